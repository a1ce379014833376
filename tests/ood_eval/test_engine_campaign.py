"""Whole suites: several sets, mixed sizes, several trainings, extra networks, and a second look at kept score maps."""

import dataclasses
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets import First, dataset_hash
from ood_eval.datasets.fingerprint import attributes_hash
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine import evaluation as running
from ood_eval.engine import scoring
from ood_eval.engine.bootstrap import Comparison
from ood_eval.engine.campaign import Campaign, scored_split
from ood_eval.engine.row import read_rows
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.engine.summary import SummaryLine
from ood_eval.errors import ConfigError, DataError, DetectorError
from ood_eval.files import read_json
from ood_eval.metrics import OpenConfusion, ScoreHistogram, above_recall_point, open_miou
from ood_eval.networks import (
    CheckpointFile,
    Prediction,
    PyramidConfig,
    build_segmenter,
    images_from_rgb,
    load_segmenter,
    save_segmenter,
)
from ood_eval.store import read_lines
from ood_eval.tasks.image_record import ImageRecord

pytestmark = pytest.mark.slow

TINY = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)
ALL = ("caos", "dataset", "smiyc", "fishyscapes", "rba", "interp", "pytorch_ood")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[int | None, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    for seed in (0, 1):
        save_segmenter(folder / f"{seed}.pt", build_segmenter(TINY, StreetHazards.class_names, "none", seed), TINY)
    return {0: folder / "0.pt", 1: folder / "1.pt", None: folder / "0.pt"}


@pytest.fixture
def road_anomaly(tmp_path: Path) -> Path:
    """Three labelled frames of different sizes in the layout of RoadAnomaly."""
    root = tmp_path / "RoadAnomaly_jpg"
    rng = np.random.default_rng(0)
    names = []
    for number, (height, width) in enumerate([(48, 80), (40, 64), (56, 72)]):
        name = f"animals{number:02d}_x.jpg"
        labels = np.zeros((height, width), dtype=np.uint8)
        labels[10:30, 8 : 20 + number] = 2
        (root / "frames" / f"animals{number:02d}_x.labels").mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(root / "frames" / name)
        Image.fromarray(labels).save(root / "frames" / f"animals{number:02d}_x.labels" / "labels_semantic.png")
        names.append(name)
    (root / "frame_list.json").write_text(json.dumps(names))
    return root


def manifest(root: Path, *, two_towns: bool = False) -> Path:
    """Turns a miniature set into one that hazardsim could have made: instances and a manifest for each split."""
    for split, top in (("training", "train"), ("validation", "train"), ("test", "test")):
        index = next((root / top).glob(f"{split.removesuffix('ing')}*.odgt"))
        lines = []
        for number, entry in enumerate(json.loads(index.read_text())):
            labels = np.array(Image.open(root / top / entry["fpath_segm"]))
            anomaly = labels == 14
            name = Path(top) / "instances" / split / f"{number}.png"
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / name), np.where(anomaly, 1, 0).astype(np.uint16))
            seen = {"category": "sofa", "asset_id": "a", "distance_m": 4.0 + number, "pixels": int(anomaly.sum())}
            seen |= {"instance": 1, "box_px": [0, 0, 1, 1]}
            town = f"Town0{5 + number % 2 * two_towns}"
            scene = {"actors": [], "town": town, "scenario": "mini", "anomalies": [{"place": "road"}]}
            scene |= {"weather": {"condition": "rain", "values": [0.0] * 5 + [30.0] + [0.0] * 8}}
            files = {"images": {"path": f"{top}/{entry['fpath_img']}"}, "instances": {"path": name.as_posix()}}
            lines.append(json.dumps({"files": files, "scene": scene, "anomalies": [seen] if anomaly.any() else []}))
        (root / top / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return root


def campaign(checkpoints: dict[int | None, Path], data: Path | None, *specs: BenchmarkSpec, **changes) -> Campaign:
    names = changes.pop("detectors", ("msp", "energy"))
    suite = Suite(
        "s", specs, tuple(map(DetectorSpec, names)), BenchmarkSpec(changes.pop("training", "streethazards")),
        changes.pop("protocols", ALL), changes.pop("gallery", 2),
    )  # fmt: skip
    return Campaign(suite, data, lambda seed, _: CheckpointFile(checkpoints[seed]), **({"seeds": (None,)} | changes))


def test_several_sets_of_mixed_sizes_under_several_trainings(
    shared_streets: Path, road_anomaly: Path, checkpoints, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    real = BenchmarkSpec("road_anomaly", road_anomaly, {"official": False})
    specs = (BenchmarkSpec("streethazards"), real, BenchmarkSpec("road_obstacle_21"))
    out = campaign(checkpoints, shared_streets, *specs, seeds=(0, 1)).run(tmp_path / "out")
    run = read_json(out / "run.json")
    pairs = [(one["benchmark"], one["seed"]) for one in run["evaluations"]]
    assert pairs == [(name, seed) for seed in (0, 1) for name in ("streethazards", real.label)]
    assert [one["benchmark"] for one in run["skipped"]] == ["road_obstacle_21"]
    assert "skipped: road_obstacle_21 is not on this machine" in caplog.text
    rows = [row for one in run["evaluations"] for row in read_rows(out / "evaluations" / one["key"] / "rows.jsonl")]
    assert {row.protocol for row in rows} == {*ALL, "pooled"}
    assert {row.provenance.seed for row in rows} == {0, 1}
    assert all(row.low <= row.value <= row.high for row in rows if not np.isnan(row.value))
    records = list(read_lines(out / "evaluations" / run["evaluations"][1]["key"] / "images.jsonl", ImageRecord))
    assert [(one.height, one.width) for one in records] == [(48, 80), (40, 64), (56, 72)]
    assert all(set(one.values) == {"msp", "energy"} for one in records)
    (line,) = (
        line
        for line in read_lines(out / "summary.jsonl", SummaryLine)
        if (line.benchmark, line.detector, line.protocol, line.metric) == (real.label, "msp", "dataset", "auroc")
    )
    assert line.seeds == (0, 1)
    assert line.std == pytest.approx(abs(line.values[0] - line.values[1]) / np.sqrt(2))
    compared = {(one.benchmark, one.metric): one for one in read_lines(out / "comparisons.jsonl", Comparison)}
    assert compared[real.label, "auroc"].images == 3
    means = {
        (row.detector, row.provenance.seed): row.value
        for row in rows
        if (row.benchmark, row.protocol, row.metric) == ("streethazards", "caos", "auroc")
    }
    difference = np.mean([means["msp", seed] - means["energy", seed] for seed in (0, 1)])
    assert compared["streethazards", "auroc"].difference == pytest.approx(difference)


def test_a_finished_campaign_answers_at_once_and_changes_no_byte(
    shared_streets: Path, checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = campaign(checkpoints, shared_streets, BenchmarkSpec("streethazards"), detectors=("msp", "knn"))
    out = one.run(tmp_path / "out")
    before = _results(out)
    assert not list((out / "unfinished").rglob("*.npz"))
    monkeypatch.setattr(scoring.Pass, "_count", lambda *_: pytest.fail("scored again"))
    one.run(out)
    assert _results(out) == before


def _results(out: Path) -> dict[Path, bytes]:
    """Everything but the memory of hashes, which leaves out files that were written in the last two seconds."""
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "hashes.json"}


def test_a_campaign_broken_in_its_second_phase_scores_nothing_again(
    shared_streets: Path, checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = campaign(checkpoints, shared_streets, BenchmarkSpec("streethazards"))
    whole = one.run(tmp_path / "whole")
    with monkeypatch.context() as broken:
        broken.setattr(running, "write_rows", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            one.run(tmp_path / "broken")
    monkeypatch.setattr(scoring.Pass, "_count", lambda *_: pytest.fail("scored again"))
    again = one.run(tmp_path / "broken")
    assert (again / "comparisons.jsonl").read_bytes() == (whole / "comparisons.jsonl").read_bytes()
    for name in ("images.jsonl", "thresholds.json"):
        (first,), (second,) = (list((out / "evaluations").glob(f"*/{name}")) for out in (again, whole))
        assert first.read_bytes() == second.read_bytes()


def test_detectors_are_fitted_once_for_every_set(
    shared_streets: Path, road_anomaly: Path, checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = DETECTORS["kl_matching"].observe
    monkeypatch.setattr(DETECTORS["kl_matching"], "observe", lambda self, *rest: (seen.append(1), real(self, *rest))[1])
    specs = (BenchmarkSpec("streethazards"), BenchmarkSpec("road_anomaly", road_anomaly, {"official": False}))
    campaign(checkpoints, shared_streets, *specs, detectors=("kl_matching",)).run(tmp_path / "out")
    assert len(seen) == 2


@pytest.mark.slow
def test_extra_networks_are_trained_once(
    shared_streets: Path, checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = DETECTORS["ae"].trained_part
    brief = dataclasses.replace(part.recipe, epochs=1, crop_px=(32, 32))
    monkeypatch.setattr(DETECTORS["ae"], "trained_part", dataclasses.replace(part, recipe=brief))
    specs = (BenchmarkSpec("streethazards"),)
    out = campaign(checkpoints, shared_streets, *specs, detectors=("ae", "msp"), limit_train=2).run(tmp_path / "out")
    trained = list((out / "parts").rglob("autoencoder.pt"))
    assert len(trained) == 1
    stamp = trained[0].stat().st_mtime_ns
    campaign(checkpoints, shared_streets, *specs, detectors=("ae",), limit_train=2).run(out)
    assert trained[0].stat().st_mtime_ns == stamp


def test_generated_sets_tell_of_their_objects(streets: Path, checkpoints, tmp_path: Path) -> None:
    root = manifest(streets)
    out = campaign(checkpoints, root, BenchmarkSpec("generated"), training="generated").run(tmp_path / "out")
    (file,) = out.glob("evaluations/*/images.jsonl")
    records = list(read_lines(file, ImageRecord))
    assert [one.attributes["weather"] for one in records] == ["rain"] * 4
    for number, one in enumerate(records):
        (found,) = one.objects
        assert (found.attributes["category"], found.attributes["distance_m"]) == ("sofa", 4.0 + number)
        # The only object of an image has all its anomalous pixels.
        assert found.values["msp"] == pytest.approx(one.values["msp"]["auroc"])
        assert "anomalies" not in one.attributes
    assert sum(one.gallery for one in records) == len(list(file.parent.glob("gallery/*.npz"))) == 2


def test_an_altered_instance_file_is_scored_again(streets: Path, checkpoints, tmp_path: Path) -> None:
    root = manifest(streets)
    one = campaign(checkpoints, root, BenchmarkSpec("generated"), training="generated", detectors=("msp",))
    out = one.run(tmp_path / "out")
    path = root / "test/instances/test/0.png"
    instances = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    rows_there, columns_there = np.nonzero(instances)
    instances[rows_there[: len(rows_there) // 2], columns_there[: len(rows_there) // 2]] = 0
    cv2.imwrite(str(path), instances)
    one.run(out)
    assert len(read_json(out / "run.json")["evaluations"]) == 1
    key = read_json(out / "run.json")["evaluations"][0]["key"]
    (before,) = [folder for folder in (out / "evaluations").iterdir() if folder.name != key]
    told = [list(read_lines(one / "images.jsonl", ImageRecord)) for one in (before, out / "evaluations" / key)]
    assert told[0][0].values == told[1][0].values
    assert told[0][0].objects != told[1][0].objects
    assert told[0][1:] == told[1][1:]


def test_names_of_samples_count_and_places_of_sets_do_not(streets: Path, tmp_path: Path) -> None:
    def hashes(root: Path) -> tuple[str, str]:
        split = StreetHazards(root, "test")
        assert [split.identity(index) for index in range(len(split))] == [split[i].id for i in range(len(split))]
        return dataset_hash(split), attributes_hash(First(split, 9))

    before = hashes(streets)
    moved = streets.rename(tmp_path / "elsewhere")
    assert hashes(moved) == before
    index = moved / "test/test.odgt"
    index.write_text(index.read_text().replace("/t5/", "/t6/"))
    for kind in ("images", "annotations"):
        (moved / "test" / kind / "test/t5").rename(moved / "test" / kind / "test/t6")
    after = hashes(moved)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_open_miou_takes_each_towns_threshold_from_the_other(streets: Path, checkpoints, tmp_path: Path) -> None:
    root = manifest(streets, two_towns=True)
    spec = BenchmarkSpec("generated", open_miou=True)
    out = campaign(checkpoints, root, spec, training="generated", protocols=("caos",)).run(tmp_path / "out")
    (file,) = out.glob("evaluations/*/rows.jsonl")
    (found,) = [row for row in read_rows(file) if (row.detector, row.metric) == ("msp", "open_miou")]
    segmenter, detector = load_segmenter(checkpoints[None]), build_detector("msp", {}, DETECTORS)
    split = StreetHazards(root, "test")
    predictions = [Prediction.of(segmenter, images_from_rgb(split[i].image)) for i in range(4)]
    scores = [detector.score(prediction)[0].numpy() for prediction in predictions]
    towns = []
    for own, other in ((0, 1), (1, 0)):
        histogram = ScoreHistogram()
        for i in range(other, 4, 2):
            small = (scores[i][::2, ::2] + scores[i][1::2, ::2] + scores[i][::2, 1::2] + scores[i][1::2, 1::2]) / 4
            histogram.update(small.astype(np.float32), np.ascontiguousarray(split[i].anomaly[::2, ::2]))
        point = above_recall_point(histogram)
        assert point is not None
        town = OpenConfusion(len(segmenter.class_names))
        for i in range(own, 4, 2):
            flagged = scores[i] >= point.threshold
            town.update(predictions[i].top[1][0].numpy(), flagged, split[i].classes, split[i].anomaly)
        towns.append(town)
    assert found.value == pytest.approx(open_miou(towns), abs=1e-3)
    assert found.images == 4


def test_one_town_has_no_open_miou(streets: Path, checkpoints, tmp_path: Path) -> None:
    spec = BenchmarkSpec("streethazards", open_miou=True)
    out = campaign(checkpoints, streets, spec, protocols=("caos",)).run(tmp_path / "out")
    (file,) = out.glob("evaluations/*/rows.jsonl")
    values = [row.value for row in read_rows(file) if row.protocol == "open"]
    assert len(values) == 2
    assert np.isnan(values).all()


def test_wrong_campaigns_are_refused(streets: Path, checkpoints, tmp_path: Path) -> None:
    spec = BenchmarkSpec("streethazards")
    with pytest.raises(ConfigError, match="only once"):
        campaign(checkpoints, streets, spec, seeds=(1, 1)).run(tmp_path)
    with pytest.raises(DataError, match="none of its benchmarks"):
        campaign(checkpoints, None, spec).run(tmp_path)
    with pytest.raises(ConfigError, match="unknown benchmark"):
        campaign(checkpoints, streets, BenchmarkSpec("streethazard", streets)).run(tmp_path)
    with pytest.raises(ConfigError, match="only be trained on"):
        scored_split("cityscapes")
    bare = campaign(checkpoints, None, dataclasses.replace(spec, root=streets), detectors=("ae",))
    with pytest.raises(DetectorError, match="no detector of the suite can be used: ae: must see a training split"):
        bare.run(tmp_path)
    assert not list(tmp_path.glob("evaluations"))


def test_a_suite_may_name_the_split_that_is_scored(shared_streets: Path, checkpoints, tmp_path: Path) -> None:
    """A set of folders whose one split has a name of its own, and no policy to speak of."""
    (tmp_path / "set/folders.yaml").parent.mkdir()
    (tmp_path / "set/folders.yaml").write_text("splits: {night: null}\nvalues: {1: 0, 14: 1}\n")
    for kind, mine in (("images", "images"), ("annotations", "masks")):
        for path in sorted((shared_streets / "test" / kind / "test/t5").iterdir()):
            target = tmp_path / "set" / mine / path.name
            target.parent.mkdir(exist_ok=True)
            if kind == "annotations":
                labels = np.array(Image.open(path))
                Image.fromarray(np.where(labels == 14, 14, 1).astype(np.uint8)).save(target)
            else:
                target.write_bytes(path.read_bytes())
    spec = BenchmarkSpec("folders", tmp_path / "set", split="night")
    assert spec.label == "folders(split=night)"
    campaign(checkpoints, shared_streets, spec).run(tmp_path / "out")
    rows = [row for path in (tmp_path / "out").rglob("rows.jsonl") for row in read_rows(path)]
    assert {(row.benchmark, row.provenance.policy) for row in rows} == {("folders(split=night)", "")}


INSTALLED = "import sys; sys.path[:] = [entry for entry in sys.path if entry]"  # its folder is not the user's
OWN = """
from torch import Tensor
from ood_eval.detectors import Detector

class Mine(Detector):
    fit_split = "training"

    def score_map(self, prediction) -> Tensor:
        return SIGN * prediction.top[0]
"""


@pytest.mark.slow
def test_a_detector_of_ones_own_is_found_here_and_scored_anew_when_it_changes(
    shared_streets: Path, checkpoints, tmp_path: Path, ood_eval
) -> None:
    """In a working folder of the user's, edited between two runs, the first by the installed command."""
    words = ["run-caos", "--data", str(shared_streets), "--out", "out"]
    words += ["--checkpoint", str(checkpoints[0]), "--detectors", "mine.mod:Mine", "maxlogit"]
    command = [Path(sys.executable).with_name("ood_eval"), *words]
    (tmp_path / "mine").mkdir()
    found = []
    for sign in ("-1", "1"):
        (tmp_path / "mine/mod.py").write_text(OWN.replace("SIGN", sign))
        first = {"capture_output": True, "text": True, "cwd": tmp_path, "timeout": 200, "check": False}
        done = ood_eval(*words, before=INSTALLED) if found else subprocess.run(command, **first)
        assert done.returncode == 0, done.stderr
        key = read_json(tmp_path / "out/run.json")["evaluations"][0]["key"]
        rows = [row for row in read_rows(tmp_path / f"out/evaluations/{key}/rows.jsonl") if row.metric == "auroc"]
        values = {row.detector: row.value for row in rows if row.protocol == "caos"}
        found.append(values["mine.mod:Mine"] == values["maxlogit"])
    assert found == [True, False]


@pytest.mark.parametrize("text", ["class Mine(:", "undefined_name", "raise OSError('no\\nluck')"])
def test_a_file_of_ones_own_that_is_broken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    name = f"broken_{len(text)}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(DetectorError, match=f"{name}:Mine' cannot be imported") as found:
        build_detector(f"{name}:Mine", {}, DETECTORS)
    assert "\n" not in str(found.value)


@pytest.mark.slow
def test_two_devices_score_what_one_does(shared_streets: Path, checkpoints, tmp_path: Path, ood_eval) -> None:
    """Shards of one image each, dealt out to two processes one by one: the same rows, records and gallery.

    Sums are rounded by how many threads share them, so each process has as many as the one has.
    """
    shards = "from ood_eval.engine import scoring; scoring.SHARD_SECONDS, scoring._DEALT = -1, 1; "
    (tmp_path / "shards.py").write_text(
        f"import sys; {shards}from ood_eval.cli import main; sys.exit(main()) if __name__ == '__main__' else None"
    )
    words = ["run-caos", "--data", str(shared_streets), "--checkpoint", str(checkpoints[0])]
    words += ["--detectors", "msp", "knn", "--out"]
    one = ood_eval(*words, "one", "--device", "cpu", before=shards)
    two = subprocess.run([sys.executable, "shards.py", *words, "two", "--device", "cpu", "cpu"],
                         capture_output=True, text=True, cwd=tmp_path, timeout=280, check=False,
                         env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    found = []
    for name, done in (("one", one), ("two", two)):
        assert done.returncode == 0, done.stderr
        assert ("2/2" in done.stderr) is (name == "two")
        key = read_json(tmp_path / name / "run.json")["evaluations"][0]["key"]
        folder = tmp_path / name / "evaluations" / key
        rows = [(row.detector, row.metric, row.value, row.low, row.high) for row in read_rows(folder / "rows.jsonl")]
        frames = {path.name: path.read_bytes() for path in (folder / "gallery").iterdir()}
        found.append((key, rows, list(read_lines(folder / "images.jsonl", ImageRecord)), frames))
    assert found[0] == found[1]


def test_a_device_that_is_not_here_is_named(shared_streets: Path, checkpoints, tmp_path: Path) -> None:
    one = campaign(checkpoints, shared_streets, BenchmarkSpec("streethazards"), devices=("abacus",))
    with pytest.raises(ConfigError, match="--device abacus: cannot be used here"):
        one.run(tmp_path / "out")
    with pytest.raises(ConfigError, match="name at least one"):
        dataclasses.replace(one, devices=()).run(tmp_path / "out")
