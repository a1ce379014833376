"""Suites, rows, tallies and whole evaluations: validated, resumable, keyed by what they depend on."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine import scoring
from ood_eval.engine.curves import curves_of
from ood_eval.engine.evaluation import Evaluation
from ood_eval.engine.gallery import gallery_indices, load_frame
from ood_eval.engine.row import Provenance, Row, read_rows, write_rows
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite, load_suite
from ood_eval.engine.tally import Tally
from ood_eval.errors import CheckpointError, ConfigError, DataError, ResultError
from ood_eval.files import content_key, read_json, write_json, write_text
from ood_eval.metrics import PROTOCOLS, ScoreHistogram
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter

STREETS = BenchmarkSpec("streethazards")
TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)


def test_caos_is_data() -> None:
    suite = load_suite("caos")
    assert [spec.name for spec in suite.detectors] == ["msp", "maxlogit", "background", "energy", "entropy"]
    assert suite.protocols == ("caos", "dataset")
    assert [spec.label for spec in suite.benchmarks] == ["streethazards"]
    assert suite.gallery >= 8


@pytest.mark.parametrize("name", ["caos", "streethazards-mini", "real"])
def test_every_shipped_suite_names_what_there_is(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    for spec in suite.detectors:
        build_detector(spec.name, spec.options, DETECTORS)
    assert all(BENCHMARKS[spec.name].scored is not None for spec in suite.benchmarks)
    assert suite.training.name in BENCHMARKS
    assert set(suite.protocols) <= set(PROTOCOLS)


def test_the_mini_suite_has_the_papers_rows_and_all_else() -> None:
    names = [spec.name.partition("+")[0] for spec in load_suite("streethazards-mini").detectors]
    assert set(names) == set(DETECTORS)
    assert names[:6] == ["msp", "branch", "background", "dropout", "ae", "maxlogit"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: a\nbenchmarks: [{name: streethazards}]\ndetecters: []\n",
            r"detecters: unknown key; did you mean detectors\?",
        ),
        ("name: a\nbenchmark: streethazards\ndetectors: [{name: msp}]\n", "benchmark"),
        ("name: a\nbenchmarks: [{name: x}]\ndetectors: [{name: msp, option: {}}]\n", "option"),
        ("name: a\nbenchmarks: [{name: x}]\ndetectors: []\n", "at least one"),
        ("name: a\nbenchmarks: []\ndetectors: [{name: msp}]\n", "at least one benchmark"),
        ("name: a\nbenchmarks: [{name: x}]\ndetectors: [{name: msp}]\nprotocols: [caso]\n", "protocols"),
        ("name: a\nbenchmarks: [{name: x, track: toad}]\ndetectors: [{name: msp}]\n", "track"),
        ("name: [", "not YAML"),
        ("3", r"s\.yaml: must be a table of keys \(name, benchmarks, detectors"),
    ],
)
def test_a_wrong_suite_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_suite(str(tmp_path / "s.yaml"))


def test_an_unknown_suite_is_named() -> None:
    with pytest.raises(ConfigError, match="'chaos': no such file or shipped suite; shipped are caos, real"):
        load_suite("chaos")


def test_other_detectors_keep_the_suites_options() -> None:
    suite = Suite("s", (STREETS,), (DetectorSpec("energy", {"temperature": 2.0}),))
    changed = suite.with_detectors(("msp", "energy"))
    assert [spec.label for spec in changed.detectors] == ["msp", "energy(temperature=2.0)"]


ORIGIN = Provenance("c", "d", "p", 0, "keep_all", 0.0, {"torch": "2"})


def test_rows_come_back_and_undefined_numbers_are_null(tmp_path: Path) -> None:
    row = Row("e", "b", "msp", "caos", "auroc", 0.5, 0.4, 0.6, 1, 2, 0, 0.1, ORIGIN)
    undefined = dataclasses.replace(row, value=math.nan, low=math.nan, high=math.nan)
    write_rows(tmp_path / "rows.jsonl", [row, undefined])
    assert json.loads((tmp_path / "rows.jsonl").read_text().splitlines()[1])["value"] is None
    back = read_rows(tmp_path / "rows.jsonl")
    assert back[0] == row
    assert math.isnan(back[1].value)


def test_damaged_rows_are_named(tmp_path: Path) -> None:
    for text in ("{", '{"a": 1}', "3"):
        write_text(tmp_path / "rows.jsonl", text)
        with pytest.raises(ResultError, match="not a file of results"):
            read_rows(tmp_path / "rows.jsonl")


def test_files_are_whole_or_absent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.txt", "x")
    write_json(tmp_path / "a.json", {"b": 1})
    assert read_json(tmp_path / "a.json") == {"b": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "file"]


def test_a_key_does_not_depend_on_the_order_of_names() -> None:
    assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1}) != content_key({"a": 1, "b": 3})


def test_gallery_frames_are_spread() -> None:
    assert gallery_indices(25, 4) == [0, 8, 16, 24]
    assert gallery_indices(3, 8) == [0, 1, 2]
    assert gallery_indices(0, 8) == []


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "shard.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ResultError, match="delete it"):
        Tally(["msp"], ["caos"], 3).add_file(tmp_path / "shard.npz")


def test_curves_run_from_corner_to_corner() -> None:
    rng = np.random.default_rng(0)
    histogram = ScoreHistogram()
    anomaly = (rng.random(4000) < 0.1).astype(np.uint8)
    histogram.update((rng.normal(size=4000) + anomaly).astype(np.float32), anomaly)
    curves = curves_of(histogram)
    assert curves is not None
    assert (curves.fpr[0], curves.tpr[0], curves.fpr[-1], curves.tpr[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert len(curves.fpr) < 1000
    assert sum(curves.known) == pytest.approx(1.0)
    area = np.trapezoid(curves.tpr, curves.fpr)
    assert area == pytest.approx(histogram.auroc().value, abs=2e-3)


def test_curves_of_one_class_are_none() -> None:
    histogram = ScoreHistogram()
    histogram.update(np.zeros(3, dtype=np.float32), np.zeros(3, dtype=np.uint8))
    assert curves_of(histogram) is None


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    split_names = StreetHazards.class_names
    save_segmenter(tmp_path / "s.pt", build_segmenter(TINY, split_names, "none", 0), TINY)
    return tmp_path / "s.pt"


def _evaluation(root: Path, checkpoint: Path, *names: str) -> Evaluation:
    splits = {name: StreetHazards(root, name) for name in ("training", "validation")}
    suite = Suite("s", (STREETS,), tuple(map(DetectorSpec, names or ("msp", "energy"))), gallery=2)
    return Evaluation(suite, STREETS, checkpoint, StreetHazards(root, "test"), splits, "keep_all", None)


def _numbers(folder: Path) -> list[dict[str, object]]:
    rows = [dataclasses.asdict(row) for row in read_rows(folder / "rows.jsonl")]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_an_evaluation_gives_rows_curves_and_gallery(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = _evaluation(shared_streets, checkpoint).run(tmp_path / "out")
    rows = read_rows(folder / "rows.jsonl")
    names = {(row.detector, row.protocol, row.metric) for row in rows}
    scored = {(d, p, m) for d in ("msp", "energy") for p in ("caos", "dataset") for m in ("auroc", "aupr", "fpr95")}
    quality = ("miou", "miou_known", "miou_table", "accuracy")
    assert names == scored | {("segmenter", "pooled", metric) for metric in quality}
    assert {row.pixels for row in rows if row.detector == "msp"} == {4 * 48 * 80}
    assert all(row.low <= row.value <= row.high for row in rows)
    assert set(read_json(folder / "curves.json")) == {"msp", "energy"}
    frames = sorted((folder / "gallery").glob("*.npz"))
    assert len(frames) == 2
    frame = load_frame(frames[0])
    assert frame.scores["msp"].shape == frame.image.shape[:2] == (48, 80)


def test_a_finished_evaluation_answers_at_once(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = _evaluation(shared_streets, checkpoint)
    folder = evaluation.run(tmp_path / "out")
    monkeypatch.setattr(scoring, "_score_image", lambda *_: pytest.fail("scored again"))
    assert evaluation.run(tmp_path / "out") == folder
    assert _evaluation(shared_streets, checkpoint, "msp")._identity({}) != evaluation._identity({})
    moved = dataclasses.replace(evaluation, benchmark=BenchmarkSpec("streethazards", root=tmp_path))
    assert moved._identity({}) == evaluation._identity({})


def test_a_broken_evaluation_continues_and_ends_alike(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "_SHARD", 2)
    names = ("msp", "kl_matching", "knn")
    whole = _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "whole")
    real, scored = scoring._score_image, []

    def cut(split, index, *rest):
        if index == 3:
            raise KeyboardInterrupt
        return real(split, index, *rest)

    monkeypatch.setattr(scoring, "_score_image", cut)
    with pytest.raises(KeyboardInterrupt):
        _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "broken")
    assert not list((tmp_path / "broken").rglob("rows.jsonl"))

    def count(split, index, *rest):
        scored.append(index)
        return real(split, index, *rest)

    monkeypatch.setattr(scoring, "_score_image", count)
    resumed = _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "broken")
    assert scored == [2, 3]
    for name in ("images.jsonl", "thresholds.json", "curves.json"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    kept = [sorted(path.name for path in (folder / "gallery").iterdir()) for folder in (resumed, whole)]
    assert kept[0] == kept[1]
    assert resumed.name == whole.name
    assert _numbers(resumed) == _numbers(whole)


def test_a_foreign_checkpoint_is_refused(shared_streets: Path, tmp_path: Path) -> None:
    save_segmenter(tmp_path / "s.pt", build_segmenter(TINY, ("a", "b"), "none", 0), TINY)
    with pytest.raises(CheckpointError, match="2 classes"):
        _evaluation(shared_streets, tmp_path / "s.pt").run(tmp_path / "out")
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        _evaluation(shared_streets, tmp_path / "none.pt").run(tmp_path / "out")


def test_a_split_without_anomaly_labels_is_refused(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    wrong = dataclasses.replace(_evaluation(shared_streets, checkpoint), test=StreetHazards(shared_streets, "training"))
    with pytest.raises(DataError, match="no anomaly labels"):
        wrong.run(tmp_path / "out")


def test_a_missing_fit_split_is_named(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    bare = dataclasses.replace(_evaluation(shared_streets, checkpoint, "kl_matching"), fit_splits={})
    with pytest.raises(ConfigError, match="kl_matching: must see a validation split"):
        bare.run(tmp_path / "out")
