"""Sets of hazardsim: the manifest's knowledge of each picture, and the instances of its anomalies."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from hazardsim.capture.frames import frame_from_pictures
from hazardsim.channels import CHANNELS
from hazardsim.channels.wire import SensorImage
from hazardsim.dataset.finish import finish_split
from hazardsim.dataset.writer import SplitWriter
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene, SceneCamera, SceneWeather
from hazardsim.taxonomy import ANOMALY_TAG, TAG
from ood_eval.benchmarks.build import build_dataset
from ood_eval.benchmarks.generated import Generated
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets import ANOMALY, First, attributes_of, check_dataset
from ood_eval.errors import DataError


def write_manifest(root: Path) -> Path:
    """Beside a miniature StreetHazards set, what hazardsim writes; lines are not in the index's order."""
    test = StreetHazards(root, "test")
    lines = []
    for index in range(len(test)):
        image, labels = test.files(index)
        number = int(image.stem)
        raw = np.array(Image.open(labels))
        # Two actors, then an anomaly that is seen and, in odd pictures, a hidden one before it.
        hidden = number % 2
        instance = 3 + hidden
        path = root / f"test/instances/test/t5/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.where(raw == 14, instance, 0x8000).astype(np.uint16))
        placed = [{"place": "road"}] * hidden + [{"place": "roadside"}]
        seen = {
            "asset_id": "sofa-1",
            "category": "sofa",
            "instance": instance,
            "pixels": int((raw == 14).sum()),
            "distance_m": 7.5 + number,
            "box_px": [0, 0, 4, 4],
        }
        scene = {
            "actors": [{}, {}],
            "anomalies": placed,
            "weather": {"condition": "rain", "values": [60.0, 30.0, 5.0, 6.0, 200.0, 10.0 + number, *[0.0] * 8]},
            "town": "Town05",
            "scenario": "demo",
        }
        files = {kind: {"path": f"test/{kind}/test/t5/{number}.png"} for kind in ("images", "instances")}
        lines.append(json.dumps({"number": number, "files": files, "anomalies": [seen], "scene": scene}))
    manifest = root / "test/test.jsonl"
    manifest.write_text("\n".join(reversed(lines)) + "\n\n")
    return manifest


@pytest.fixture
def manifest(streets: Path) -> Path:
    return write_manifest(streets)


def root_of(manifest: Path) -> Path:
    return manifest.parent.parent


def test_attributes_are_those_of_the_picture(manifest: Path) -> None:
    dataset = build_dataset("generated", root_of(manifest), "test")
    check_dataset(dataset)
    for index in range(4):
        number = int(dataset[index].id.rpartition("/")[2])
        known = attributes_of(First(dataset, 4), index)
        assert known["weather"] == "rain"
        assert known["sun_altitude_deg"] == 10.0 + number
        assert known["town"] == "Town05"
        (anomaly,) = known["anomalies"]
        assert anomaly["distance_m"] == 7.5 + number
        assert anomaly["place"] == "roadside"
        assert anomaly["category"] == "sofa"


def test_instances_mark_the_pixels_of_an_anomaly(manifest: Path) -> None:
    dataset = build_dataset("generated", root_of(manifest), "test", {"policy": "ignore_other"})
    assert isinstance(dataset, Generated)
    for index in range(4):
        (anomaly,) = dataset.attributes(index)["anomalies"]
        mask = dataset.instances(index) == anomaly["instance"]
        assert mask.sum() == anomaly["pixels"] > 0
        assert np.array_equal(mask, dataset[index].anomaly == ANOMALY)


def test_only_offsets_are_kept_of_the_manifest(manifest: Path) -> None:
    dataset = Generated(root_of(manifest), "test")
    assert all(isinstance(start, int) for start in dataset._starts)
    kept = [value for key, value in vars(dataset).items() if key not in ("entries", "policy")]
    assert "sofa" not in repr(kept)


def test_an_unfinished_split_is_refused(manifest: Path) -> None:
    manifest.unlink()
    with pytest.raises(DataError, match=r"test\.jsonl: missing; the split is unfinished"):
        Generated(root_of(manifest), "test")


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "no JSON;"), ("[]", "no JSON object"), ("{}", "names no picture"), ('{"files": 1}', "names no picture")],
)
def test_a_damaged_manifest_is_named(manifest: Path, line: str, message: str) -> None:
    manifest.write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        Generated(root_of(manifest), "test")


def test_manifest_and_index_must_tell_of_the_same_pictures(manifest: Path) -> None:
    whole = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(whole[1:]))
    with pytest.raises(DataError, match=r"tells of 3 pictures, test\.odgt of 4, the first unknown one is 4\.png"):
        Generated(root_of(manifest), "test")
    extra = json.loads(whole[0])
    extra["files"]["images"]["path"] = "test/images/test/t5/99.png"
    manifest.write_text("".join(whole) + json.dumps(extra))
    with pytest.raises(DataError, match="tells of 5 pictures"):
        Generated(root_of(manifest), "test")


def test_a_record_of_another_version_is_named(manifest: Path) -> None:
    manifest.write_text(manifest.read_text().replace('"weather"', '"wether"'))
    dataset = Generated(root_of(manifest), "test")
    with pytest.raises(DataError, match="sample 0 lacks 'weather'"):
        dataset.attributes(0)


def test_a_missing_instance_picture_is_named(manifest: Path) -> None:
    (root_of(manifest) / "test/instances/test/t5/1.png").unlink()
    with pytest.raises(DataError, match="instances of sample 0 cannot be read"):
        Generated(root_of(manifest), "test").instances(0)


def written_by_hazardsim(root: Path) -> Path:
    """Three frames through hazardsim's own capture and writer: the real manifest, the real PNGs."""
    camera = SceneCamera(40, 24, 90.0, Pose(1.0, 2.0, 1.5, 30.0, 2.0))
    weather = SceneWeather("fog", (5.0, 0, 0, 10.0, 120.0, 45.5, 2.0, 0.75, 0.1, 0, 1.0, 0.03, 0.0331, 0))
    places = ("road", "roadside")
    placed = tuple(PlacedAnomaly(f"p-{p}", p, Pose(8.0, 2.0, 0.0), 1.0, (2.0, 0.9, 0.8), p) for p in places)
    actors = (PlacedActor("vehicle.seat.leon", Pose(20.0, 2.0, 0.0), (10, 20, 30)),)
    writer = SplitWriter(root, "test", {"scenario": "by hand", "frames": 3})
    for number in range(1, 4):
        town = "Town06" if number == 2 else "Town05"
        scene = Scene(f"{town}-{number}", "by-hand", 7, number, town, Pose(0, 0, 0), camera, weather, actors, placed)
        pictures = {
            kind: np.full((24, 40, 4), 9, dtype=np.uint8)
            for kind in ("rgb", "semantic_segmentation", "instance_segmentation", "depth")
        }
        pictures["semantic_segmentation"][..., 2] = TAG["Roads"]
        for k in range(2):
            rows, columns = slice(4, 10 + number), slice(2 + 20 * k, 12 + 20 * k)
            pictures["semantic_segmentation"][rows, columns, 2] = ANOMALY_TAG
            pictures["instance_segmentation"][rows, columns, 1] = 51 + k
            pictures["instance_segmentation"][rows, columns, 0] = 0
        images = {row.sensor: SensorImage(bytes(24 * 40 * 4), 40, 24) for row in CHANNELS.values()}
        images |= {f"sensor.camera.{kind}": SensorImage(p.tobytes(), 40, 24) for kind, p in pictures.items()}
        writer.keep(frame_from_pictures(scene, images, [50, 51, 52], {"server": "x", "client": "x"}), number)
    finish_split(root, "test")
    return root


def test_what_hazardsim_writes_is_read_with_its_attributes(tmp_path: Path) -> None:
    dataset = Generated(written_by_hazardsim(tmp_path), "test")
    check_dataset(dataset)
    assert [dataset.attributes(index)["town"] for index in range(3)] == ["Town05", "Town05", "Town06"]
    for index in range(3):
        known = dataset.attributes(index)
        assert (known["weather"], known["sun_altitude_deg"], known["scenario"]) == ("fog", 45.5, "by-hand")
        assert [anomaly["place"] for anomaly in known["anomalies"]] == ["road", "roadside"]
        for anomaly in known["anomalies"]:
            assert anomaly["category"] == anomaly["place"]
            mask = dataset.instances(index) == anomaly["instance"]
            assert mask.sum() == anomaly["pixels"] > 0
            assert (dataset[index].anomaly[mask] == ANOMALY).all()
