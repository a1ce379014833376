"""The whole house: both command lines, the real carla client, the embedded server, Mitsuba, files on disk."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from hazardsim.cli import main
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.reader import read_split
from hazardsim.jobs.supervision import embedded_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("end to end")]

RENDER = [
    "--town", "Town05", "--anomalies", "--frames", "4", "--seed", "7", "--width", "160", "--height", "90", "--split",
    "test", "--samples", "1",
]  # fmt: skip


def hazardsim(*arguments, timeout=400):
    command = [sys.executable, "-m", "hazardsim.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    result = hazardsim("render", *RENDER, "--out", root)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(root)
    return root


def test_frames_hold_what_they_promise(dataset):
    frames = list(read_split(dataset, "test"))
    assert [f.number for f in frames] == [1, 2, 3, 4]
    for frame in frames:
        labels, instances = frame.labels(), frame.instances()
        assert frame.rgb().std() > 10
        assert frame.record["anomalies"]
        mask = labels == 14
        assert mask.any()
        first = len(frame.record["scene"]["actors"]) + 1
        numbers = range(first, first + len(frame.record["anomalies"]))
        np.testing.assert_array_equal(mask, np.isin(instances, numbers))
        for seen in frame.record["anomalies"]:
            left, top, right, bottom = seen["box_px"]
            assert (instances[top:bottom, left:right] == seen["instance"]).sum() == seen["pixels"]
            assert 0 < left < right < 160 or seen["pixels"] > 0


def test_a_finished_split_answers_at_once_and_changes_nothing(dataset):
    before = tree(dataset)
    result = hazardsim("render", *RENDER, "--out", dataset)
    assert result.returncode == 0, result.stderr
    assert tree(dataset) == before


def _wait_for_a_frame(process, root, seconds=200):
    journal = root / SplitLayout("test").journal
    deadline = time.monotonic() + seconds
    while not list(journal.glob("kept-*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, f"it ended with code {process.returncode} before it was disturbed"
    assert list(journal.glob("kept-*.json"))


def test_a_client_killed_on_a_living_server_leaves_no_trace_in_the_next_run(straight_town, tmp_path):
    render = ["render", "--town", straight_town, "--anomalies", "--frames", "6", "--seed", "7", "--split", "test"]
    render += ["--width", "160", "--height", "90", "--warm-up", "0"]
    with embedded_server(str(straight_town), ("--samples", "1")) as server:
        render += ["--server", f"127.0.0.1:{server.port}"]
        command = [sys.executable, "-m", "hazardsim.cli", *map(str, render), "--out", str(tmp_path / "killed")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_a_frame(process, tmp_path / "killed")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(1.0)
        for name in ("killed", "clean"):
            result = hazardsim(*render, "--out", tmp_path / name)
            assert result.returncode == 0, result.stderr
    assert tree(tmp_path / "killed") == tree(tmp_path / "clean")


def test_an_existing_streethazards_loader_reads_it(dataset, tmp_path, monkeypatch):
    from pytorch_ood.dataset.img import StreetHazards

    (tmp_path / "streethazards").symlink_to(dataset)
    monkeypatch.setattr(StreetHazards, "_check_integrity", lambda self: True)  # it looks for the public tar's checksum
    loaded = StreetHazards(str(tmp_path), subset="test", download=False)
    ours = {f.record["files"]["images"]["path"].split("/")[-1]: f for f in read_split(dataset, "test")}
    assert sorted(path.split("/")[-1] for path in loaded.files) == sorted(ours)
    for path, (image, target) in zip(loaded.files, loaded, strict=True):
        frame = ours[path.split("/")[-1]]
        np.testing.assert_array_equal(np.asarray(image), frame.rgb())
        np.testing.assert_array_equal(np.asarray(target) < 0, frame.labels() == 14)


def test_a_contact_sheet_is_drawn(dataset, tmp_path):
    assert main(["show", str(dataset), "--out", str(tmp_path / "sheet.png")]) == 0
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


PAIR = """
import json, sys
import numpy as np
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.capture.frames import capture_scene
from hazardsim.scenario.scene import scene_from_data

scenes = [scene_from_data(data) for data in json.load(open(sys.argv[2]))]
saved = {}
with Session("127.0.0.1", int(sys.argv[1]), "Town05") as session, CameraRig(session, scenes[0].camera) as rig:
    for k, scene in enumerate(scenes):
        for name, variant in (("with", scene), ("without", scene.without_anomalies())):
            frame = capture_scene(session, rig, variant)()
            for kind in ("rgb", "semantic", "instance", "depth"):
                saved[f"{k}-{name}-{kind}"] = getattr(frame, kind)
np.savez(sys.argv[3], **saved)
"""


def test_labels_differ_from_the_clean_pair_exactly_on_the_anomaly(dataset, tmp_path):
    frames = list(read_split(dataset, "test"))[:2]
    (tmp_path / "scenes.json").write_text(json.dumps([f.record["scene"] for f in frames]))
    (tmp_path / "pair.py").write_text(PAIR)
    with embedded_server("Town05", ("--samples", "1")) as server:
        arguments = [tmp_path / "pair.py", server.port, tmp_path / "scenes.json", tmp_path / "pairs.npz"]
        result = subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=200, check=False
        )
    assert result.returncode == 0, result.stderr
    pairs = np.load(tmp_path / "pairs.npz")
    for k, frame in enumerate(frames):
        mask = frame.labels() == 14
        changed = pairs[f"{k}-with-semantic"] != pairs[f"{k}-without-semantic"]
        np.testing.assert_array_equal(changed, mask)
        np.testing.assert_array_equal(pairs[f"{k}-with-rgb"], frame.rgb())
        nearer = pairs[f"{k}-with-depth"] != pairs[f"{k}-without-depth"]
        np.testing.assert_array_equal(nearer, mask)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--town", "Town5"], ["Town5", "Town05"]),
        (["--town", "nowhere.osm"], ["nowhere.osm", "no such file"]),
        (["--scenario", "nothing"], ["nothing", "street-hazards"]),
        (["--frames", "0"], ["--frames 0"]),
        (["--seed", "-1"], ["--seed -1"]),
        (["--width", "3"], ["16..8192"]),
        (["--server", "localhost"], ["HOST:PORT"]),
        (["--server", "127.0.0.1:9"], ["127.0.0.1:9", "no CARLA server"]),
        (["--variant", "cuda_rgbx"], ["cuda_rgbx"]),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(tmp_path, capsys, arguments, words):
    out = tmp_path / "out"
    frames = [] if "--frames" in arguments else ["--frames", "1"]
    assert main(["render", *frames, *arguments, "--out", str(out)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0]
    assert not out.exists()


def test_a_misspelt_option_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as left:
        main(["render", "--twon", "Town05"])
    assert left.value.code == 2
    assert "--town" in capsys.readouterr().err


def test_the_port_in_use_is_named(straight_town, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--town", str(straight_town), "--port", port]) == 1
    assert port in capsys.readouterr().err


def test_trained_and_judged_on_what_was_rendered(dataset, straight_town, tmp_path):
    result = hazardsim(
        "render", "--town", straight_town, "--split", "training", "--frames", "2", "--width", "160", "--height", "90",
        "--samples", "1", "--out", dataset,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    command = [
        sys.executable, "-m", "ood_eval.cli", "run-caos", "--data", str(dataset), "--out", str(tmp_path), "--epochs",
        "1", "--encoder", "tu-test_resnet",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert result.returncode == 0, result.stderr
    for name in ("AUROC", "AUPR", "FPR95", "maxlogit", "msp"):
        assert name.lower() in result.stdout.lower()
    assert (tmp_path / "report").is_dir()
