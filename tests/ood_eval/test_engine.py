"""Suites, rows, tallies and whole evaluations: validated, resumable, keyed by what they depend on."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ood_eval import code
from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets.class_map import class_map
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine import evaluation as evaluations
from ood_eval.engine import scoring
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.cells import Cell
from ood_eval.engine.curves import curves_of
from ood_eval.engine.evaluation import Evaluation
from ood_eval.engine.row import Provenance, Row, read_rows, write_rows
from ood_eval.engine.scoring import Pass
from ood_eval.engine.shards import ShardStore
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite, load_suite
from ood_eval.engine.workplace import exclusive
from ood_eval.errors import CheckpointError, ConfigError, DataError, DetectorError, ResultError
from ood_eval.files import content_key, read_json, write_json, write_text
from ood_eval.metrics import PROTOCOLS, ScoreHistogram
from ood_eval.networks import CheckpointFile, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.tasks.gallery import gallery_indices, load_frame

pytestmark = pytest.mark.slow

STREETS = BenchmarkSpec("streethazards")
CAOS = ("caos", "dataset")
TINY = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)


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


def test_the_mini_suite_begins_with_the_papers_rows() -> None:
    names = [spec.name for spec in load_suite("streethazards-mini").detectors]
    assert names[:6] == ["msp", "branch", "background", "dropout", "ae", "maxlogit"]


def test_what_a_suites_file_leaves_out_is_said_in_the_defaults(tmp_path: Path) -> None:
    own = "name: a\nbenchmarks: [{name: road_anomaly}]\ndetectors: [{name: msp}]\n"
    (tmp_path / "own.yaml").write_text(own)
    suite = load_suite(str(tmp_path / "own.yaml"))
    assert (suite.training, suite.protocols) == (STREETS, CAOS)
    (tmp_path / "own.yaml").write_text(f"{own}training: {{name: cityscapes}}\nprotocols: [rba]\n")
    suite = load_suite(str(tmp_path / "own.yaml"))
    assert (suite.training.name, suite.protocols) == ("cityscapes", ("rba",))


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
    suite = Suite("s", (STREETS,), (DetectorSpec("energy", {"temperature": 2.0}),), STREETS, CAOS)
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
    with pytest.raises(ResultError, match=r"shard\.npz: missing or damaged; delete this file"):
        ShardStore(tmp_path).parts([Cell("msp", "caos", {})])


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
    suite = Suite("s", (STREETS,), tuple(map(DetectorSpec, names or ("msp", "energy"))), STREETS, CAOS, 2)
    names = StreetHazards.class_names
    test, classes = StreetHazards(root, "test"), class_map(names, names)
    return Evaluation(suite, STREETS, CheckpointFile(checkpoint), test, splits, "keep_all", None, classes)


def _numbers(folder: Path) -> list[dict[str, object]]:
    rows = [dataclasses.asdict(row) for row in read_rows(folder / "rows.jsonl")]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_an_evaluation_gives_rows_curves_and_gallery(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = _evaluation(shared_streets, checkpoint).run(tmp_path / "out")
    rows = read_rows(folder / "rows.jsonl")
    names = {(row.detector, row.protocol, row.metric) for row in rows}
    numbers = [(p, m) for p in ("caos", "dataset") for m in ("auroc", "aupr", "fpr95")]
    scored = {(d, p, m) for d in ("msp", "energy", "chance") for p, m in numbers}
    quality = ("miou", "miou_known", "miou_table", "accuracy")
    assert names == scored | {("segmenter", "pooled", metric) for metric in quality}
    assert {row.pixels for row in rows if row.detector == "msp"} == {4 * 48 * 80}
    assert all(row.low <= row.value <= row.high for row in rows)
    assert set(read_json(folder / "curves.json")) == {"msp", "energy"}
    frames = sorted((folder / "gallery").glob("*.npz"))
    assert len(frames) == 2
    frame = load_frame(frames[0])
    assert frame.scores["msp"].shape == frame.image.shape[:2] == (48, 80)


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The detectors that scored each image, as it happens."""
    calls: list[tuple[str, ...]] = []
    real = Pass._count

    def count(self, index, counts, *rest):
        real(self, index, counts, *rest)
        calls.append(tuple(dict.fromkeys(cell.label for cell in counts)))

    monkeypatch.setattr(Pass, "_count", count)
    return calls


def test_a_finished_evaluation_answers_at_once(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, scored: list[tuple[str, ...]]
) -> None:
    evaluation = _evaluation(shared_streets, checkpoint)
    folder = evaluation.run(tmp_path / "out")
    assert len(scored) == 4
    assert evaluation.run(tmp_path / "out") == _evaluation(shared_streets, checkpoint).run(tmp_path / "out") == folder
    moved = dataclasses.replace(evaluation, benchmark=BenchmarkSpec("streethazards", root=tmp_path))
    assert moved.run(tmp_path / "out") == folder
    assert len(scored) == 4


def test_another_detector_is_scored_alone_and_the_rest_stays(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, scored: list[tuple[str, ...]]
) -> None:
    whole = _evaluation(shared_streets, checkpoint, "msp", "knn", "energy").run(tmp_path / "whole")
    scored.clear()
    _evaluation(shared_streets, checkpoint, "msp", "energy").run(tmp_path / "out")
    grown = _evaluation(shared_streets, checkpoint, "msp", "knn", "energy").run(tmp_path / "out")
    assert scored == [("segmenter", "msp", "energy")] * 4 + [("knn",)] * 4
    assert grown.name == whole.name
    assert _numbers(grown) == _numbers(whole)
    for name in ("images.jsonl", "thresholds.json", "curves.json", "segmenter.json"):
        assert (grown / name).read_bytes() == (whole / name).read_bytes()
    frames = [{path.name: load_frame(path).scores for path in (one / "gallery").iterdir()} for one in (grown, whole)]
    assert frames[0].keys() == frames[1].keys()
    for name, scores in frames[0].items():
        assert all(np.array_equal(scores[label], frames[1][name][label]) for label in ("msp", "knn", "energy"))
    _evaluation(shared_streets, checkpoint, "knn").run(tmp_path / "out")
    assert len(scored) == 8


def test_rows_tell_the_versions_that_scored_them(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(evaluations, "version", lambda name: "0.1")
        _evaluation(shared_streets, checkpoint, "msp").run(tmp_path / "out")
    folder = _evaluation(shared_streets, checkpoint, "msp", "energy").run(tmp_path / "out")
    found = {(row.detector, row.provenance.versions["numpy"]) for row in read_rows(folder / "rows.jsonl")}
    assert found == {("msp", "0.1"), ("segmenter", "0.1"), ("chance", "0.1"), ("energy", np.__version__)}


@pytest.mark.parametrize(
    ("edited", "again"),
    [
        ("knn.py", {"knn"}),
        ("feature_bank.py", {"knn"}),
        ("page.py", set()),
        ("evaluation.py", set()),
        ("pooled.py", set()),
        ("caos.py", {"msp", "knn"}),
        ("confusion.py", {"msp", "knn", "segmenter"}),
        ("streethazards.py", {"msp", "knn", "segmenter"}),
        ("pixel.py", {"msp", "knn", "segmenter"}),
        ("scoring.py", {"msp", "knn", "segmenter"}),
        ("protocol_count.py", {"msp", "knn"}),
    ],
)
def test_a_comment_scores_what_imports_it(
    shared_streets: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, edited: str, again: set[str]
) -> None:
    before = {cell.key for cell in _evaluation(shared_streets, checkpoint, "msp", "knn").cells}
    real = code._content
    monkeypatch.setattr(code, "_content", lambda path: real(path) + b"# edited" * (path.name == edited))
    after = _evaluation(shared_streets, checkpoint, "msp", "knn").cells
    assert {cell.label for cell in after if cell.key not in before} == again


@pytest.mark.parametrize(("edited", "again"), [("caos.py", {"caos"}), ("protocol_count.py", {"caos", "pooled"})])
def test_a_changed_protocol_counts_itself_again_and_nothing_else(
    shared_streets: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, edited: str, again: set[str]
) -> None:
    before = {cell.key for cell in _evaluation(shared_streets, checkpoint).cells}
    real = code._content
    monkeypatch.setattr(code, "_content", lambda path: real(path) + b"# edited" * (path.name == edited))
    after = _evaluation(shared_streets, checkpoint).cells
    assert {cell.measure for cell in after if cell.key not in before} == again


def test_the_same_files_under_other_settings_are_other_cells(shared_streets: Path, checkpoint: Path) -> None:
    one = _evaluation(shared_streets, checkpoint, "msp")
    other = dataclasses.replace(one, policy="ignore_other")
    assert {cell.key for cell in one.cells}.isdisjoint(cell.key for cell in other.cells)
    seeded = dataclasses.replace(one, seed=3)
    assert [cell.key for cell in seeded.cells] == [cell.key for cell in one.cells]
    assert seeded.key != one.key


def test_what_a_detector_was_fitted_on_under_another_policy_is_another_cell(
    shared_streets: Path, checkpoint: Path
) -> None:
    one = _evaluation(shared_streets, checkpoint, "msp", "mahalanobis", "ae")
    splits = {name: StreetHazards(shared_streets, name, "ignore_other") for name in ("training", "validation")}
    other = dataclasses.replace(one, fit_splits=splits)
    before = {cell.key for cell in one.cells}
    assert {cell.label for cell in other.cells if cell.key not in before} == {"mahalanobis", "ae"}


def test_a_damaged_fitted_state_is_named(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    evaluation = _evaluation(shared_streets, checkpoint, "kl_matching")
    evaluation.instruments(["kl_matching"], tmp_path, "cpu")
    (kept,) = (tmp_path / "fitted").glob("*.pt")
    for content in (b"", b"nonsense", kept.read_bytes()[:-100]):
        kept.write_bytes(content)
        with pytest.raises(ResultError, match=f"{kept.name}: damaged; delete this file and run again"):
            evaluation.instruments(["kl_matching"], tmp_path, "cpu")


class Edited(DETECTORS["msp"]):  # type: ignore[misc]
    """A detector whose next version scores otherwise."""

    shift = 0.0

    def score_map(self, prediction):
        return super().score_map(prediction) + self.shift


def test_score_maps_of_earlier_code_are_not_shown_for_todays(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DETECTORS, "edited", Edited)
    before = _evaluation(shared_streets, checkpoint, "msp", "edited").run(tmp_path / "out")
    real = code._content
    monkeypatch.setattr(Edited, "shift", 1.0)
    monkeypatch.setattr(code, "_content", lambda path: real(path) + b"# edited" * (path == Path(__file__)))
    after = _evaluation(shared_streets, checkpoint, "msp", "edited").run(tmp_path / "out")
    assert after != before
    for path in (before / "gallery").iterdir():
        old, new = load_frame(path).scores, load_frame(after / "gallery" / path.name).scores
        assert np.array_equal(old["msp"], new["msp"])
        assert np.allclose(old["edited"] + 1.0, new["edited"])


@pytest.mark.parametrize("broken_at", [0, 1, 3])
def test_a_broken_evaluation_continues_and_ends_alike(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    """Shards of one image: no more than the image at work is lost."""
    names = ("msp", "kl_matching", "knn")
    whole = _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "whole")
    monkeypatch.setattr(scoring, "SHARD_SECONDS", -1.0)
    real, scored = Pass._count, []

    def cut(self, index, *rest):
        if index == broken_at:
            raise KeyboardInterrupt
        real(self, index, *rest)

    monkeypatch.setattr(Pass, "_count", cut)
    with pytest.raises(KeyboardInterrupt):
        _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "broken")
    assert not list((tmp_path / "broken").rglob("rows.jsonl"))
    monkeypatch.setattr(Pass, "_count", lambda self, index, *rest: (scored.append(index), real(self, index, *rest)))
    # Another suite goes on with what the first has left.
    _evaluation(shared_streets, checkpoint, "kl_matching").run(tmp_path / "broken")
    resumed = _evaluation(shared_streets, checkpoint, *names).run(tmp_path / "broken")
    assert scored == [*range(broken_at, 4), *range(broken_at, 4)]
    for name in ("images.jsonl", "thresholds.json", "curves.json", "segmenter.json"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    kept_frames = [sorted(path.name for path in (folder / "gallery").iterdir()) for folder in (resumed, whole)]
    assert kept_frames[0] == kept_frames[1]
    assert resumed.name == whole.name
    assert _numbers(resumed) == _numbers(whole)
    assert not list((tmp_path / "broken" / "unfinished").rglob("*.npz"))


def test_a_vanished_shard_is_told_and_counted_again(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _evaluation(shared_streets, checkpoint, "msp").run(tmp_path / "whole")
    monkeypatch.setattr(scoring, "SHARD_SECONDS", -1.0)
    real = Evaluation._finish

    def lose(self, missing, store, desk):
        next(desk.shards.folder.glob("00000002-*.npz")).unlink()
        real(self, missing, store, desk)

    evaluation = _evaluation(shared_streets, checkpoint, "msp")
    with monkeypatch.context() as lossy:
        lossy.setattr(Evaluation, "_finish", lose)
        with pytest.raises(ResultError, match=r"shards: holds 3 of 4 images of segmenter \(facts\).*; run again"):
            evaluation.run(tmp_path / "out")
    assert not list(tmp_path.glob("out/cells/*"))
    assert _numbers(evaluation.run(tmp_path / "out")) == _numbers(whole)


def test_scores_that_are_no_numbers_name_detector_and_image(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DETECTORS["msp"], "score_map", lambda self, prediction: prediction.top[0] * math.nan)
    with pytest.raises(DetectorError, match=r"msp on .*t5.*1.*: scores hold NaN"):
        _evaluation(shared_streets, checkpoint, "msp").run(tmp_path / "out")


def test_results_of_an_earlier_layout_are_told_and_left(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = tmp_path / "out/evaluations/0123456789abcdef/rows.jsonl"
    write_text(old, "")
    caplog.set_level("INFO")
    suite = Suite("s", (STREETS,), (DetectorSpec("msp"),), STREETS, CAOS)
    Campaign(suite, shared_streets, lambda *_: CheckpointFile(checkpoint), (None,)).run(tmp_path / "out")
    assert "1 results of an earlier version are left as they are and not used" in caplog.text
    assert old.is_file()


def test_a_folder_that_another_run_uses_is_refused(shared_streets: Path, checkpoint: Path, tmp_path: Path) -> None:
    campaign = Campaign(
        Suite("s", (STREETS,), (DetectorSpec("msp"),), STREETS, CAOS),
        shared_streets,
        lambda *_: CheckpointFile(checkpoint),
        (None,),
    )
    with exclusive(tmp_path / "out"), pytest.raises(ResultError, match="out: another run uses this folder") as found:
        campaign.run(tmp_path / "out")
    assert "delete" not in str(found.value)
    campaign.run(tmp_path / "out")


def test_a_checkpoint_that_is_not_there_is_named(shared_streets: Path, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("module", ["engine/scoring_size", "networks/averaged", "detectors/guard"])
def test_cells_are_named_by_the_code_on_the_way_to_a_score(
    shared_streets: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    before = _evaluation(shared_streets, checkpoint, "msp").cells
    real = code._content
    monkeypatch.setattr(code, "_content", lambda path: real(path) + b"#" * path.match(f"{module}.py"))
    after = _evaluation(shared_streets, checkpoint, "msp").cells
    assert {cell.key for cell in before}.isdisjoint(cell.key for cell in after)
