"""Reports: the table marks what is best, files are there, the page needs nothing else."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.detectors import DETECTORS, detector_title
from ood_eval.engine.row import Provenance, Row
from ood_eval.errors import ResultError
from ood_eval.report.figures import heat_map, truth_overlay
from ood_eval.report.gallery import levels_of
from ood_eval.report.published import published_for
from ood_eval.report.result import ClassQuality, Result, read_results
from ood_eval.report.table import markdown_table, table_of
from ood_eval.report.terminal import print_table
from ood_eval.report.write import write_report
from ood_eval.tasks.gallery import GalleryFrame

ORIGIN = Provenance("c", "d" * 64, "p" * 64, 0, "keep_all", 0.0, {"torch": "2"})


def result_of(**values: tuple[float, float, float]) -> Result:
    rows = [
        Row("caos", "streethazards", name, "caos", metric, value, value, value, 3, 300, 1, 0.1, ORIGIN)
        for name, numbers in values.items()
        for metric, value in zip(("auroc", "aupr", "fpr95"), numbers, strict=True)
    ]
    titles = {name: detector_title(name, DETECTORS) for name in values}
    return Result("run", tuple(rows), {}, {"road": ClassQuality(0.5, 1.0)}, (), titles=titles)


def test_the_best_is_the_largest_but_for_fpr() -> None:
    table = table_of(result_of(msp=(0.9, 0.1, 0.3), maxlogit=(0.8, 0.2, 0.2)))
    best = [[cell.best for cell in cells] for _, cells in table.lines]
    assert best == [[True, False, False], [False, True, True]]
    assert markdown_table(table).splitlines()[2] == "| MSP | **90.0** | 10.0 | 30.0 |"
    assert "3 images, 300 pixels, 1 without both kinds skipped" in table.note


def test_equal_texts_are_equally_best_and_undefined_ones_never() -> None:
    nan = float("nan")
    table = table_of(result_of(msp=(0.90001, nan, 0.3), maxlogit=(0.90002, nan, nan)))
    best = [[cell.best for cell in cells] for _, cells in table.lines]
    assert best == [[True, False, True], [True, False, False]]
    assert table.lines[0][1][1].text == "–"


def test_titles_are_those_of_papers() -> None:
    own = "ood_eval.detectors.msp:MSP"
    names = ("knn", "energy(temperature=2.0)", own, "msp+flip", "maxlogit+blur(7,1)+flip")
    titles = ["kNN", "Energy (temperature=2.0)", "MSP", "MSP + flip", "MaxLogit + blur(7,1) + flip"]
    assert [detector_title(name, DETECTORS) for name in names] == titles
    every = (
        "MSP, Branch, Background, Dropout, AE, MaxLogit, Energy, Entropy, LogitAvg, KL matching, SML, Mahalanobis, "
        "kNN, Isolation Forest, LOF, ODIN, CRF"
    )
    assert ", ".join(kind.title for kind in DETECTORS.values()) == every


def public(benchmark: str, images: int, pixels_each: int, **origin: object) -> Result:
    provenance = dataclasses.replace(ORIGIN, **origin)
    rows = [
        Row("caos", benchmark, name, "caos", "auroc", *(0.9,) * 3, images, images * pixels_each, 0, 0.1, provenance)
        for name in ("msp", "ae", "maxlogit+flip")
    ]
    return Result("run", tuple(rows), {}, {}, ())


@pytest.mark.parametrize(
    ("result", "same", "msp"),
    [
        (public("streethazards", 1500, 1280 * 720), "yes", 87.7),
        (public("streethazards", 1500, 700_000, policy="ignore_other", dropped_share=0.24), "policy", 87.7),
        (public("streethazards", 1500, 640 * 360), "no", 87.7),
        (public("streethazards", 24, 1280 * 720), "no", 87.7),
        (dataclasses.replace(public("streethazards", 1500, 1280 * 720), generated=True), "no", 87.7),
        (public("generated", 1500, 1280 * 720), "no", 87.7),
        (public("bdd_anomaly", 810, 1280 * 720 * 8 // 10, dropped_share=0.18, policy=""), "yes", 87.7),
        (public("bdd_anomaly", 361, 1280 * 720), "no", 87.7),
        (public("fishyscapes_lostandfound", 100, 1_800_000, dropped_share=0.1, policy=""), "yes", 87.0),
        (public("road_anomaly", 60, 1280 * 720), "yes", 73.8),
        (public("road_anomaly_21", 60, 1280 * 720), "no", 87.7),
    ],
)
def test_the_papers_numbers_are_the_same_sets_only_where_they_are(result: Result, same: str, msp: float) -> None:
    found = published_for(result)
    assert found.same == same
    assert found.of("msp") == found.values["msp"]
    assert found.values["msp"][0] == msp
    assert found.of("maxlogit+flip") is None
    assert ("ANOTHER DATA SET" in found.heading) == (same == "no")
    table = table_of(result)
    assert [cell.text for cell in table.published[2]] == ["–"] * 3
    assert "MaxLogit" in [name for name, _ in table.missing]
    assert "MSP" not in [name for name, _ in table.missing]


@pytest.mark.parametrize("stretch", [1.0, 1e-6, 1e6])
def test_levels_keep_the_order_of_scores_and_hit_marks(stretch: float) -> None:
    rng = np.random.default_rng(1)
    scores = (stretch * rng.standard_t(2, size=50_000)).astype(np.float32)
    mark = float(np.float32(stretch * 1.2345))
    levels = levels_of(scores, [mark, float("nan")])
    assert levels.thresholds.size <= 255
    codes = levels.of(scores)
    assert codes.min() >= 1
    order = np.argsort(scores)
    assert np.all(np.diff(codes[order].astype(int)) >= 0)
    assert np.array_equal(codes >= levels.step_at(mark), scores >= np.float32(mark))
    # A step changes what is flagged by a twentieth, down to a handful of pixels.
    flagged = np.array([(codes >= step).sum() for step in range(1, levels.thresholds.size + 1)])
    assert flagged[0] == scores.size
    assert np.all(flagged[1:] > 0.94 * flagged[:-1] - 1)


def test_levels_of_a_constant_map_are_one() -> None:
    levels = levels_of(np.full(100, 3.0, dtype=np.float32))
    assert levels.thresholds.tolist() == [3.0]
    assert levels.of(np.array([[2.0, 3.0]], dtype=np.float32)).tolist() == [[0, 1]]


def test_the_terminal_table_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(result_of(msp=(0.9, 0.1, 0.3)))
    out = capsys.readouterr().out
    assert "MSP" in out
    assert "90.0 *" in out


def test_truth_is_red_and_heat_is_ordered() -> None:
    anomaly = np.zeros((4, 4), dtype=np.uint8)
    anomaly[0, 0], anomaly[3, 3] = 1, 255
    scores = np.arange(16, dtype=np.float32).reshape(4, 4)
    frame = GalleryFrame("a", np.full((4, 4, 3), 100, dtype=np.uint8), anomaly, anomaly, {"msp": scores})
    overlay = truth_overlay(frame).astype(int)
    assert overlay[0, 0, 0] > 2 * overlay[0, 0, 1]
    assert overlay[3, 3, 2] > overlay[3, 3, 0]
    brightness = heat_map(scores).astype(int).sum(axis=2).reshape(-1)
    assert np.all(np.diff(brightness) >= 0)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="no finished run"):
        read_results(tmp_path)
    with pytest.raises(ResultError, match="no runs"):
        write_report([], tmp_path)


def test_a_report_of_two_runs_is_complete_and_self_contained(tmp_path: Path) -> None:
    runs = [result_of(msp=(0.9, 0.1, 0.3)), result_of(energy=(0.7, 0.1, 0.3))]
    path = write_report(runs, tmp_path / "report")
    assert path.read_text().count("## run") == 2
    page = (tmp_path / "report/index.html").read_text()
    assert '<th scope="row">MSP</th>' in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)


@pytest.mark.slow
def test_figures_of_a_real_run(finished_run: Path) -> None:
    report = finished_run / "report"
    for name in ("curves.png", "scores.png", "gallery.png"):
        with Image.open(report / name) as picture:
            assert picture.width > 600
    assert "data:image/png;base64" in (report / "index.html").read_text()
    assert "![" in (report / "report.md").read_text()
