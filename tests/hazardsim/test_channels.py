"""A channel is a row: a toy one goes from a sensor's bytes into the dataset and back without any other change."""

from dataclasses import replace

import numpy as np
import pytest

from hazardsim.capture.rig import wanted_sensors
from hazardsim.channels import CHANNELS, wire
from hazardsim.channels.channel import Channel
from hazardsim.dataset.finish import finish_split
from hazardsim.dataset.reader import read_split
from hazardsim.dataset.writer import SplitWriter
from hazardsim.errors import DatasetError

EDGES = Channel(
    dtype="float32",
    values=2,
    sensor="sensor.camera.depth",
    settings={"lens_k": "0.0"},
    decode=lambda image, _: np.stack(np.gradient(wire.depth_from_bgra(image.bgra()).astype(np.float32)), axis=-1),
    folder="edges",
    write=lambda edges: edges.tobytes(),
    read=lambda path: np.frombuffer(path.read_bytes(), np.float32).reshape(18, 32, 2),
    suffix=".f32",
)


def write(root, frames):
    writer = SplitWriter(root, "test", {"frames": len(frames)})
    for number, frame in enumerate(frames, start=1):
        writer.keep(frame, number)
    finish_split(root, "test")
    return list(read_split(root, "test"))


def test_a_row_is_enough_for_a_channel(make_frame, tmp_path, monkeypatch):
    monkeypatch.setitem(CHANNELS, "edges", EDGES)
    frame = make_frame()
    assert frame.channels["edges"].shape == (18, 32, 2)
    (stored,) = write(tmp_path, [frame])
    assert (tmp_path / "test/edges/test/t5/1.f32").is_file()
    np.testing.assert_array_equal(stored.channel("edges"), frame.channels["edges"])
    np.testing.assert_array_equal(stored.channel("depth"), frame.depth)
    assert set(stored.record["files"]) == {row.folder for row in CHANNELS.values()} >= {"edges", "images"}


def test_a_set_from_before_a_channel_is_read_and_the_lack_is_named(make_frame, tmp_path, monkeypatch):
    (stored,) = write(tmp_path, [make_frame()])
    monkeypatch.setitem(CHANNELS, "edges", EDGES)
    (stored,) = read_split(tmp_path, "test")
    assert stored.labels().shape == (18, 32)
    with pytest.raises(DatasetError, match="was written without edges"):
        stored.channel("edges")


def test_the_rig_asks_for_each_sensor_once(monkeypatch):
    assert list(wanted_sensors()) == list(dict.fromkeys(row.sensor for row in CHANNELS.values()))
    lenses = [{k: v for k, v in s.items() if k.startswith(("lens_c", "lens_k"))} for s in wanted_sensors().values()]
    assert all(lens == lenses[0] for lens in lenses)
    assert wanted_sensors()["sensor.camera.rgb"]["motion_blur_intensity"] == "0.0"
    before = list(wanted_sensors())
    monkeypatch.setitem(CHANNELS, "edges", EDGES)
    monkeypatch.setitem(CHANNELS, "flow", replace(EDGES, sensor="sensor.camera.optical_flow"))
    assert list(wanted_sensors()) == [*before, "sensor.camera.optical_flow"]


def test_files_and_folders_stay_those_of_street_hazards():
    folders = {"rgb": "images", "semantic": "annotations", "instance": "instances", "depth": "depth"}
    assert {name: CHANNELS[name].folder for name in folders} == folders
    assert {CHANNELS[name].suffix for name in folders} == {".png"}
