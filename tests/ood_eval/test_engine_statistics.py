"""What several images or several trainings say together, and which frames are kept."""

import math
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from ood_eval.engine.bootstrap import Comparison, compare, image_table
from ood_eval.engine.protocol_spread import cross_protocol
from ood_eval.engine.row import Provenance, Row
from ood_eval.engine.summary import SummaryLine, summarise
from ood_eval.errors import ResultError
from ood_eval.metrics import ranking_curve
from ood_eval.store import read_lines, write_lines
from ood_eval.tasks.gallery import Gallery
from ood_eval.tasks.image_record import (
    ImageRecord,
    ObjectRecord,
    image_values,
    object_aurocs,
)


def row(
    value: float, seed: int | None = 0, protocol: str = "caos", metric: str = "auroc", detector: str = "msp"
) -> Row:
    origin = Provenance("c", "d", "p", seed, "keep_all", 0.0, {})
    return Row("e", "b", detector, protocol, metric, value, value, value, 1, 2, 0, 0.1, origin)


def record(index: int, **auroc: float | None) -> ImageRecord:
    values = {name: {"auroc": value, "aupr": value, "fpr95": value} for name, value in auroc.items()}
    return ImageRecord(index, f"t5/{index}", 2, 3, 5, 1, 0, {"weather": "rain"}, (), values)


def test_mean_and_deviation_over_trainings() -> None:
    (line,) = summarise([row(0.7, 0), row(0.8, 1), row(0.9, 2)])
    assert line.mean == pytest.approx(0.8)
    assert line.std == pytest.approx(0.1)
    assert line.seeds == (0, 1, 2)
    assert line.values == (0.7, 0.8, 0.9)


def test_one_training_has_no_deviation_and_an_undefined_number_no_mean() -> None:
    one, undefined = summarise([row(0.7, None), row(math.nan, 0, "dataset"), row(0.5, 1, "dataset")])
    assert (one.mean, one.std, one.seeds) == (0.7, None, (None,))
    assert (undefined.mean, undefined.std, undefined.values) == (None, None, (None, 0.5))


def test_a_summary_comes_back_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    lines = summarise([row(0.7, 0), row(0.8, 1), row(math.nan, 0, "rba")])
    write_lines(tmp_path / "s.jsonl", lines)
    assert list(read_lines(tmp_path / "s.jsonl", SummaryLine)) == lines
    (tmp_path / "s.jsonl").write_text("{")
    with pytest.raises(ResultError, match="line 1 is no SummaryLine"):
        list(read_lines(tmp_path / "s.jsonl", SummaryLine))
    with pytest.raises(ResultError, match="cannot be read"):
        list(read_lines(tmp_path / "none.jsonl", SummaryLine))


def test_a_clear_difference_is_significant_and_luck_is_not() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.5, 0.9, 60)
    table = np.stack([base + 0.05 + rng.normal(0, 0.02, 60), base, base + rng.normal(0, 0.02, 60)], axis=1)
    clear, also, luck = compare("b", ["good", "bad", "same"], {"auroc": table})
    assert (clear.one, clear.other) == ("good", "bad")
    assert clear.low < clear.difference < clear.high
    assert clear.low > 0
    assert clear.p_value < 0.01
    assert also.low > 0
    assert luck.low < 0 < luck.high
    assert luck.p_value > 0.05
    assert clear.p_family < 0.01
    assert luck.p_family >= luck.p_value
    assert (clear.images, clear.resamples) == (60, 2000)


def test_among_many_equal_detectors_chance_finds_pairs_and_the_family_does_not() -> None:
    """Twelve detectors that differ by noise alone, in 40 tables: of 66 pairs some look different in most tables."""
    alone = together = 0
    for seed in range(40):
        table = np.random.default_rng(seed).normal(0.0, 1.0, (50, 12))
        found = compare("b", [f"d{k}" for k in range(12)], {"auroc": table}, resamples=400)
        alone += any(one.p_value < 0.05 for one in found)
        together += any(one.p_family < 0.05 for one in found)
    assert alone > 30
    assert together <= 6


def test_the_interval_is_that_of_the_paired_difference() -> None:
    """Against the normal interval of the mean difference, which 200 images come close to."""
    rng = np.random.default_rng(1)
    table = rng.uniform(0, 1, (200, 1)) + np.array([[0.0, 0.0]]) + rng.normal(0, 0.05, (200, 2))
    (found,) = compare("b", ["one", "other"], {"auroc": table})
    differences = table[:, 0] - table[:, 1]
    half = 1.96 * differences.std(ddof=1) / math.sqrt(200)
    assert found.low == pytest.approx(differences.mean() - half, abs=half / 5)
    assert found.high == pytest.approx(differences.mean() + half, abs=half / 5)
    assert compare("b", ["one", "other"], {"auroc": table}) == [found]


def test_equal_detectors_do_not_differ_and_one_image_says_nothing() -> None:
    table = np.repeat(np.linspace(0.5, 0.9, 9)[:, None], 2, axis=1)
    (found,) = compare("b", ["one", "other"], {"auroc": table})
    assert (found.difference, found.low, found.high, found.p_value, found.p_family) == (0.0, 0.0, 0.0, 1.0, 1.0)
    assert compare("b", ["one", "other"], {"auroc": table[:1]}) == []


def test_comparisons_come_back(tmp_path: Path) -> None:
    found = compare("b", ["one", "other"], {"auroc": np.random.default_rng(0).random((9, 2))})
    write_lines(tmp_path / "c.jsonl", found)
    assert list(read_lines(tmp_path / "c.jsonl", Comparison)) == found
    (tmp_path / "c.jsonl").write_text("3")
    with pytest.raises(ResultError, match="line 1 is no Comparison"):
        list(read_lines(tmp_path / "c.jsonl", Comparison))


def test_tables_average_trainings_and_leave_out_images_of_one_class() -> None:
    runs = [
        [record(0, a=0.4, b=0.6), record(1, a=None, b=None), record(2, a=0.8, b=0.2)],
        [record(0, a=0.6, b=0.8), record(1, a=None, b=None), record(2, a=0.6, b=0.4)],
    ]
    table = image_table(runs, ["a", "b"])["auroc"]
    assert table.tolist() == [[pytest.approx(0.5), pytest.approx(0.7)], [pytest.approx(0.7), pytest.approx(0.3)]]


def test_records_come_back_one_at_a_time(tmp_path: Path) -> None:
    records = [record(0, a=0.5), record(1, a=None)]
    write_lines(tmp_path / "one.jsonl", records)
    write_lines(
        tmp_path / "two.jsonl", [ImageRecord(2, "x", 1, 1, 0, 1, 0, {}, (ObjectRecord({"c": 1}, {"a": 0.5}),), {})]
    )
    found = chain(*(read_lines(tmp_path / f"{name}.jsonl", ImageRecord) for name in ("one", "two")))
    assert next(found) == records[0]
    assert [one.index for one in found] == [1, 2]
    (tmp_path / "one.jsonl").write_text("{}\n")
    with pytest.raises(ResultError, match="line 1 is no ImageRecord"):
        next(read_lines(tmp_path / "one.jsonl", ImageRecord))


def test_an_image_without_anomaly_has_no_values() -> None:
    curve = ranking_curve(np.zeros(3, dtype=np.float32), np.zeros(3, dtype=np.uint8))
    assert image_values(curve) == {"auroc": None, "aupr": None, "fpr95": None}


def test_an_objects_auroc_is_against_the_known_pixels_alone() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=(20, 20)), 1).astype(np.float32)
    anomaly = np.zeros((20, 20), dtype=np.uint8)
    anomaly[:5, :5], anomaly[10:15, 3:9], anomaly[19] = 1, 1, 255
    masks = {7: np.zeros((20, 20), dtype=bool), 8: np.zeros((20, 20), dtype=bool), 9: np.zeros((20, 20), dtype=bool)}
    masks[7][:6, :6] = True
    masks[8][10:15, 3:9] = True
    found = object_aurocs(scores, anomaly, masks)
    for key, others in ((7, masks[8]), (8, masks[7])):
        alone = np.where(others & (anomaly == 1), 255, anomaly).astype(np.uint8)
        assert found[key] == pytest.approx(ranking_curve(scores, alone).auroc())
    assert found[9] is None


def test_a_number_that_is_none_is_null_and_infinity_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "r.jsonl", [row(math.nan)])
    assert '"value": null' in (tmp_path / "r.jsonl").read_text()
    (back,) = read_lines(tmp_path / "r.jsonl", Row)
    assert math.isnan(back.value)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_lines(tmp_path / "i.jsonl", [row(math.inf)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.jsonl"]
    (tmp_path / "r.jsonl").write_text((tmp_path / "r.jsonl").read_text().replace("null", "NaN"))
    with pytest.raises(ResultError, match="line 1 is no Row"):
        list(read_lines(tmp_path / "r.jsonl", Row))


def test_the_gallery_holds_the_spread_the_alarms_and_the_misses_of_any_order() -> None:
    alarms = [0.1, 0.9, 0.2, 0.8, 0.3, 0.3, 0.1, 0.0, 0.2]
    hits = [0.5, 0.9, 0.1, 0.8, 0.7, 0.6, 0.05, 0.9, 0.9]
    for order in (range(9), reversed(range(9))):
        gallery = Gallery(9, 6)
        offered = {index for index in order if gallery.offer(index, alarms[index], hits[index])}
        assert gallery.chosen == {0, 8} | {1, 3} | {6, 2}
        # Whatever is chosen in the end was so when it was offered, and has been kept.
        assert gallery.chosen <= offered


def test_a_gallery_of_images_of_one_class_is_the_spread() -> None:
    gallery = Gallery(9, 6)
    assert [index for index in range(9) if gallery.offer(index, None, None)] == [0, 8]


def test_the_cross_protocol_table() -> None:
    rows = [row(0.6, 0, "caos"), row(0.8, 1, "caos"), row(0.9, 0, "dataset"), row(math.nan, 0, "pytorch_ood")]
    rows += [row(0.3, 0, "pooled", "miou", "segmenter"), row(0.2, 0, "smiyc", "f1_star")]
    (line,) = cross_protocol(rows)
    assert line.values["caos"] == pytest.approx(0.7)
    assert line.spread == pytest.approx(0.2)
    assert math.isnan(line.values["pytorch_ood"])
