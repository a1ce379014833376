"""Reports: the table marks what is best, files are there, the page needs nothing else."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.detectors import DETECTORS, detector_title
from ood_eval.engine.bootstrap import Comparison
from ood_eval.engine.row import Provenance, Row
from ood_eval.errors import ResultError
from ood_eval.report.drawing import wrapped
from ood_eval.report.figures import heat_map, truth_overlay
from ood_eval.report.gallery import levels_of
from ood_eval.report.protocol_tables import further_metrics_of
from ood_eval.report.published import published_for
from ood_eval.report.result import ClassQuality, Result, named, read_results
from ood_eval.report.table import markdown_table, table_of
from ood_eval.report.terminal import print_table
from ood_eval.report.tiles import tiles_of
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


def with_references(result: Result, **values: tuple[float, float, float]) -> Result:
    """The result with chance at 50, 10 and 95 percent, and baselines with the values given."""
    rows = [
        dataclasses.replace(result.rows[0], detector=name, metric=metric, value=value, low=value, high=value)
        for name, numbers in {"chance": (0.5, 0.1, 0.95), **values}.items()
        for metric, value in zip(("auroc", "aupr", "fpr95"), numbers, strict=True)
    ]
    titles = {**result.titles, **{name: detector_title(name, DETECTORS) for name in values}}
    return dataclasses.replace(result, rows=(*result.rows, *rows), baselines=tuple(values), titles=titles)


def test_what_is_no_better_than_chance_or_a_baseline_is_marked_in_every_format(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    detectors = result_of(msp=(0.9, 0.2, 0.3), maxlogit=(0.7, 0.09, 0.96), energy=(0.8, 0.2, 0.3))
    result = with_references(detectors, centre_prior=(0.8, 0.15, 0.5), saturation=(0.99, 0.12, 0.2))
    table = table_of(result)
    assert [name for name, _ in table.lines] == ["MSP", "MaxLogit", "Energy"]
    assert [name for name, _ in table.references] == ["Chance", "Centre prior", "Blurred saturation"]
    marks = [[cell.mark for cell in cells] for _, cells in table.lines]
    assert marks == [["†", "", "†"], ["†", "‡", "‡"], ["†", "", "†"]]
    # The best of a column is the best detector, whatever a baseline has.
    assert all(cell.best for cell in table.lines[0][1])
    assert not any(cell.best or cell.mark for _, cells in table.references for cell in cells)
    legend = "† worse than the best of what sees no network (Centre prior and Blurred saturation). ‡ worse than chance."
    assert legend in table.note
    assert "base rate 10 %" in table.note
    markdown = markdown_table(table).splitlines()
    assert markdown[2:4] == ["| MSP | **90.0†** | **20.0** | **30.0†** |", "| MaxLogit | 70.0† | 9.0‡ | 96.0‡ |"]
    assert markdown[5] == "| *Chance* | 50.0 | 10.0 | 95.0 |"
    print_table(result)
    printed = capsys.readouterr().out
    assert "90.0† *" in printed
    assert "9.0‡" in printed
    assert "‡ worse than chance" in " ".join(printed.split())
    write_report([result], tmp_path)
    latex, page = ((tmp_path / name).read_text() for name in ("report.tex", "index.html"))
    assert r"9.0\textsuperscript{$\ddagger$}" in latex
    assert latex.index(r"\textit{Chance}") > latex.index("Energy &")
    assert '9.0<sup class="mark">‡</sup>' in page
    assert "without a network" in page


def test_nothing_is_marked_where_detectors_beat_the_references() -> None:
    table = table_of(with_references(result_of(msp=(0.9, 0.2, 0.3)), centre_prior=(0.9, 0.2, 0.3)))
    assert not any(cell.mark for _, cells in table.lines for cell in cells)
    assert "†" not in table.note


def test_baselines_alone_are_compared_as_detectors_are() -> None:
    rows = with_references(result_of(msp=(0.9, 0.2, 0.3)), centre_prior=(0.8, 0.15, 0.5))
    result = dataclasses.replace(rows, rows=tuple(row for row in rows.rows if row.detector != "msp"))
    assert result.detectors == ("centre_prior",)
    assert result.references == ("chance",)


def test_the_tile_of_a_pooled_difference_says_nothing_of_chance() -> None:
    """The test is of the mean over images, whose difference has a tile of its own, be it of the other sign."""
    result = result_of(msp=(0.9, 0.30, 0.3), maxlogit=(0.9, 0.28, 0.3))
    compared = Comparison("streethazards", "aupr", "maxlogit", "msp", 0.04, 0.01, 0.07, 0.001, 0.002, 3, 2000)
    tiles = dict(tiles_of(dataclasses.replace(result, comparisons=(compared,)), ["msp", "maxlogit"]))
    assert tiles["+2.0"] == "points of AUPR (caos) over the next, MaxLogit"
    assert tiles["-4.0"] == "points of AUPR over MaxLogit in the mean over images, larger than chance"


def test_a_headline_that_a_baseline_beats_says_so() -> None:
    result = with_references(result_of(msp=(0.9, 0.3, 0.3)), centre_prior=(0.8, 0.35, 0.5))
    tiles = dict(tiles_of(result, ["msp"]))
    assert tiles["MSP"] == "is the best by AUPR: 30.0 % (caos); Centre prior, without a network, has 35.0 %"


def test_the_columns_of_smiyc_are_in_the_main_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = result_of(msp=(0.9, 0.1, 0.3), maxlogit=(0.8, 0.2, 0.2))
    numbers = {"auroc": 0.9, "aupr": 0.11, "fpr95": 0.22, "best_f1": 0.66, "siou": 0.33, "ppv": 0.44, "f1_star": 0.55}
    rows = tuple(
        dataclasses.replace(result.rows[0], detector=name, protocol="smiyc", metric=metric, value=value)
        for name in ("msp", "maxlogit")
        for metric, value in numbers.items()
    )
    result = dataclasses.replace(result, rows=(*result.rows, *rows))
    head, _, line, *_ = markdown_table(table_of(result)).splitlines()
    assert "| AP ↑ (smiyc) | FPR95 ↓ (smiyc) | sIoU ↑ (smiyc) | PPV ↑ (smiyc) | F1* ↑ (smiyc) |" in head
    assert line.endswith("| **11.0** | **22.0** | **33.0** | **44.0** | **55.0** |")
    further = further_metrics_of(result)
    assert further is not None
    assert further.columns == (("smiyc", "best_f1"),)
    print_table(result)
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("smiyc", "sIoU ↑", "PPV ↑", "F1* ↑"))
    write_report([result], tmp_path)
    assert "sIoU $\\uparrow$" in (tmp_path / "report.tex").read_text()


def test_a_set_without_classes_has_no_table_of_them(tmp_path: Path) -> None:
    result = dataclasses.replace(result_of(msp=(0.9, 0.1, 0.3)), classes={})
    write_report([result], tmp_path)
    assert "Segmentation" not in (tmp_path / "report.md").read_text()
    assert "Segmentation of the known" not in (tmp_path / "index.html").read_text()


def test_a_set_that_defines_no_number_is_still_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nan = float("nan")
    result = result_of(msp=(nan, nan, nan), maxlogit=(nan, nan, nan))
    write_report([result], tmp_path)
    print_table(result)
    assert "–" in capsys.readouterr().out


def test_results_of_one_benchmark_are_told_apart_by_their_runs() -> None:
    one = result_of(msp=(0.9, 0.1, 0.3))
    runs = [dataclasses.replace(one, folder=folder) for folder in ("runs/a", "runs/b")]
    assert [run.label for run in named(runs)] == ["run (runs/a)", "run (runs/b)"]
    assert [run.label for run in named(runs[:1])] == ["run"]


def test_long_names_are_broken() -> None:
    name = "mypackage.mymodule:MyVeryOwnDetectorWithALongName + blur(7,1)"
    assert max(map(len, wrapped(name, 30).splitlines())) <= 30
    assert wrapped(name, 30).replace("\n", "").replace(" ", "") == name.replace(" ", "")


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
        "kNN, Isolation Forest, LOF, ODIN, CRF, Centre prior, Blurred saturation"
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
    "result",
    [
        public("streethazards", 1500, 640 * 360),
        public("streethazards", 24, 1280 * 720),
        dataclasses.replace(public("streethazards", 1500, 1280 * 720), generated=True),
        public("generated", 1500, 1280 * 720),
        public("folders", 1500, 1280 * 720),
        public("bdd_anomaly", 361, 1280 * 720),
        public("road_anomaly_21", 60, 1280 * 720),
    ],
)
def test_the_papers_numbers_stand_beside_no_other_set(result: Result) -> None:
    assert published_for(result) is None
    table = table_of(result)
    assert table.source is None
    assert table.missing == ()
    assert "paper" not in markdown_table(table, paper=True)


@pytest.mark.parametrize(
    ("result", "same_labels", "msp"),
    [
        (public("streethazards", 1500, 1280 * 720), True, 87.7),
        (public("streethazards", 1500, 700_000, policy="ignore_other", dropped_share=0.24), False, 87.7),
        (public("bdd_anomaly", 810, 1280 * 720 * 8 // 10, dropped_share=0.18, policy=""), True, 87.7),
        (public("fishyscapes_lostandfound", 100, 1_800_000, dropped_share=0.1, policy=""), True, 87.0),
        (public("road_anomaly", 60, 1280 * 720), True, 73.8),
    ],
)
def test_the_papers_numbers_stand_beside_the_sets_that_they_are_of(
    result: Result, same_labels: bool, msp: float
) -> None:
    found = published_for(result)
    assert found is not None
    assert found.same_labels == same_labels
    assert found.of("msp") == found.values["msp"]
    assert found.values["msp"][0] == msp
    assert found.of("maxlogit+flip") is None
    assert ("another label policy" in found.heading) == (not same_labels)
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
