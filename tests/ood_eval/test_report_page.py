"""The page of a run with everything in it: seeds, records, thresholds, comparisons, gallery; and in a real browser."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ood_eval.datasets.sample import Sample
from ood_eval.engine.curves import Curves
from ood_eval.engine.row import Provenance, Row, write_rows
from ood_eval.files import write_json, write_text
from ood_eval.report.result import read_results
from ood_eval.report.write import write_report
from ood_eval.tasks import TASKS
from ood_eval.tasks.gallery import write_frame
from ood_eval.tasks.observations import PixelItem, Segmented

DETECTORS = {"msp": 1.0, "maxlogit": 1.6, "energy(temperature=2.0)": 2.2}
PROTOCOLS = ("caos", "dataset", "smiyc")
HEIGHT, WIDTH, IMAGES = 60, 120, 4
SCALE = {"msp": 0.01, "maxlogit": 3.0, "energy(temperature=2.0)": 40.0}
WEATHER = ("clear", "rain", "clear", "heavy_fog")


def scene(index: int) -> tuple[Sample, dict[str, np.ndarray]]:
    """An image with one anomaly (the last has a missed one) and a score map per detector; a stripe is void."""
    rng = np.random.default_rng([7, index])
    anomaly = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    anomaly[20 : 30 + 4 * index, 30 : 50 + 5 * index] = 1
    anomaly[:3] = 255
    image = rng.integers(60, 180, (HEIGHT, WIDTH, 1), dtype=np.uint8).repeat(3, axis=2)
    image[anomaly == 1] = (200, 40, 160)
    scores = {}
    for name, strength in DETECTORS.items():
        lifted = (anomaly == 1) * (strength if index < 3 else -0.5)
        scores[name] = (SCALE[name] * (rng.normal(size=anomaly.shape) + lifted)).astype(np.float32)
    return Sample(f"t5/<{index}>", image, np.zeros_like(anomaly), anomaly), scores


def write_run(out: Path, seeds: tuple[int, ...] = (0, 1, 2), *, benchmark: str = "generated") -> Path:
    """The output folder of a finished run, as the engine writes it."""
    rng = np.random.default_rng(3)
    evaluations = []
    for seed in seeds:
        folder = out / "evaluations" / f"key{seed}"
        evaluations.append({"benchmark": benchmark, "seed": seed, "key": folder.name})
        origin = Provenance("c" * 16, "d" * 64, f"{seed}" * 64, seed, "keep_all", 0.05, {"torch": "2"})
        rows = []
        for place, name in enumerate(DETECTORS):
            for protocol in PROTOCOLS:
                for metric, value in (("auroc", 0.7), ("aupr", 0.2), ("fpr95", 0.6)):
                    better = 0.05 * place * (-1 if metric == "fpr95" else 1) + 0.01 * seed + 0.001 * len(protocol)
                    numbers = (value + better,) * 3
                    rows.append(Row("caos", benchmark, name, protocol, metric, *numbers, IMAGES, 27360, 0, 0.5, origin))
            rows.append(Row("caos", benchmark, name, "smiyc", "f1_star", 0.3, 0.3, 0.3, IMAGES, 27360, 0, 0.5, origin))
        rows.append(Row("caos", benchmark, "segmenter", "pooled", "miou", 0.5, 0.5, 0.5, IMAGES, 27360, 0, 1.0, origin))
        write_rows(folder / "rows.jsonl", rows)
        line = np.linspace(0.0, 1.0, 30)
        curves = {}
        for name, strength in DETECTORS.items():
            scale = SCALE[name]
            edges = np.linspace(-3.0 * scale, 5.0 * scale, 41)
            centres = (edges[1:] + edges[:-1]) / 2 / scale
            known, hit = np.exp(-(centres**2) / 2), np.exp(-((centres - strength) ** 2) / 2)
            tpr = line ** (1.0 / (1.0 + strength))
            parts = (line, tpr, line, 0.5 - 0.4 * line, edges, known / known.sum(), hit / hit.sum())
            curves[name] = asdict(Curves(*(part.tolist() for part in parts)))
        write_json(folder / "curves.json", curves)
        write_json(folder / "segmenter.json", {"road": {"iou": 0.9, "share": 0.7}, "car": {"iou": None, "share": 0.0}})
        point = {"precision": 0.5, "recall": 0.6, "fpr": 0.02, "f1": 0.55}
        write_json(
            folder / "thresholds.json",
            {
                name: {
                    "best_f1": point | {"threshold": 1.25 * SCALE[name]},
                    "tpr95": point | {"threshold": -0.75 * SCALE[name], "recall": 0.95} if name != "msp" else None,
                }
                for name in DETECTORS
            },
        )
        records = []
        for index in range(IMAGES):
            sample, scores = scene(index)
            predicted = np.zeros((HEIGHT, WIDTH), dtype=np.int64)
            if index != 1:
                item = PixelItem(index, sample, sample.anomaly, {}, (), {})
                arrays = TASKS["pixel"].frame(item, Segmented(item, predicted, None), scores)
                write_frame(folder / "gallery" / f"{index:08d}.npz", arrays)
            values = {name: {"auroc": 0.5 + 0.1 * index, "aupr": 0.1, "fpr95": None} for name in DETECTORS}
            sun = (-20.0, 10.0, 10.0, 60.0)[index]
            one = {
                "category": ("sofa", "deer")[index % 2],
                "distance_m": 3.0 + 10 * (index % 2),
                "pixels": 400 * (index + 1),
            }
            records.append(
                {
                    "index": index, "id": sample.id, "height": HEIGHT, "width": WIDTH, "known": 6000, "anomalous": 400,
                    "void": 360,
                    "objects": [{"attributes": one, "values": dict.fromkeys(DETECTORS, 0.4 + 0.1 * index)}],
                    "attributes": {"weather": WEATHER[index], "sun_altitude_deg": sun, "scene": f"s{index}"},
                    "values": values, "gallery": index != 1,
                }
            )  # fmt: skip
        write_text(folder / "images.jsonl", "".join(f"{json.dumps(record)}\n" for record in records))
    names = list(DETECTORS)
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    lines = [
        {
            "benchmark": benchmark, "metric": metric, "one": one, "other": other, "difference": -0.05, "low": -0.09,
            "high": -0.01 if metric == "aupr" else 0.02, "p_value": float(rng.uniform(0.001, 0.2)),
            "p_family": 0.01 if metric == "aupr" else 0.3,
            "images": IMAGES, "resamples": 1000,
        }
        for metric in ("auroc", "aupr")
        for one, other in pairs
    ]  # fmt: skip
    write_text(out / "comparisons.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines))
    skipped = [{"benchmark": "road_anomaly", "reason": "not found"}]
    write_json(
        out / "run.json",
        {
            "suite": "caos",
            "titles": {"msp": "MSP", "maxlogit": "MaxLogit"},
            "evaluations": evaluations,
            "skipped": skipped,
        },
    )
    return out


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    write_report(read_results(write_run(folder / "run")), folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def page(report: Path) -> str:
    return (report / "index.html").read_text()


def test_the_page_fetches_nothing_and_its_ids_are_distinct(page: str) -> None:
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert not re.findall(r"url\((?!#)|@import|fetch\(|XMLHttp|<link(?! rel=\"icon\" href=\"data:)", page)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(ids)


def test_seeds_are_joined_as_mean_and_deviation(report: Path, page: str) -> None:
    text = (report / "report.md").read_text()
    # AUPR under dataset: 0.207, 0.217, 0.227 and 5 points more per detector; deviation one point.
    assert "| MSP | 71.4 ± 1.0 | 21.4 ± 1.0 | 61.4 ± 1.0 | 71.7 ± 1.0 | 21.7 ± 1.0 |" in text
    assert "**31.7 ± 1.0**" in text
    assert "Mean ± standard deviation over 3 seeds (0, 1, 2)." in text
    assert 'class=" best">31.7<span class="pm"> ± 1.0</span>' in page
    assert r"\textbf{31.7 $\pm$ 1.0}" in (report / "report.tex").read_text()


def test_breakdowns_group_what_records_tell(report: Path) -> None:
    text = (report / "report.md").read_text()
    # Weather: clear is images 0 and 2, whose AUROC is 0.5 and 0.7.
    assert "| clear | 2 | **60.0** | **60.0** | **60.0** |" in text
    assert "| heavy fog | 1 | **80.0** |" in text
    assert "| low sun (0° to 15°) | 2 | **65.0** |" in text
    assert text.index("| night (below -6°) | 1 |") < text.index("| low sun") < text.index("| high sun")
    # Category: sofa is objects 0 and 2, whose AUROC is 0.4 and 0.6.
    assert "| sofa | 2 | **50.0** |" in text
    assert "| below 5 m | 2 |" in text
    assert "| small (16² to 32² px) | 2 |" in text
    assert "by scene" not in text
    assert "FPR95 ↓ by weather" not in text


def test_thresholds_and_comparisons_are_shown(report: Path, page: str) -> None:
    text = (report / "report.md").read_text()
    assert "| MSP | 0.0125 | 55.0 | 50.0 | 60.0 | 2.00 | – | – | – | – | – |" in text
    assert "| MaxLogit | +5.0 |  | -5.0 |" in text
    assert "| MaxLogit | **+5.0** |  | -5.0 |" in text
    assert '>+5.0<br><span class="pm">+1.0 to +9.0</span>' in page
    assert "| F1* ↑ (smiyc) |" in text
    assert "road_anomaly" in text
    assert "apart" in text


def test_a_generated_set_is_never_compared_with_the_papers(report: Path, page: str) -> None:
    assert "CAOS paper" not in page
    assert "CAOS paper" not in (report / "report.tex").read_text()
    value = json.loads((report / "report.json").read_text())
    assert value["results"][0]["published"] is None
    assert value["results"][0]["generated"]
    assert len(value["results"][0]["rows"]) == 3 * (3 * 10 + 1)


def test_what_is_not_counted_has_no_hue_and_what_is_found_has(page: str) -> None:
    stripes = json.loads(re.search(r"STRIPES = (\[\[.*?\]\]);", page)[1])  # type: ignore[index]
    assert all(max(colour) - min(colour) <= 16 for colour in stripes)
    drawn = dict(re.findall(r"(FOUND|FALSE|MISSED) = (\[[^\]]*\])", page))
    assert all(max(json.loads(colour)) - min(json.loads(colour)) > 150 for colour in drawn.values())
    assert len(drawn) == 3
    key = re.search(r"\.keys i\.uncounted \{[^}]*\}", page)[0]  # type: ignore[index]
    assert all("#" + bytes(colour).hex() in key for colour in stripes)


def test_a_set_of_one_image_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "IMAGES", 1)
    run = write_run(tmp_path / "run", seeds=(0,))
    (run / "comparisons.jsonl").write_text("")
    write_report(read_results(run), tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    assert "image of a generated set" in page
    assert "What makes it hard" not in page
    assert 'id="s0-viewer"' in page


def test_the_plot_of_precision_has_the_base_rate(page: str) -> None:
    # The curves end at a precision of 0.1 where all is flagged.
    assert "base rate 10 %" in page


def test_a_section_is_headed_by_its_benchmark_and_says_which_run_it_is_of(report: Path, page: str) -> None:
    origin = f"suite caos, run {report.parent / 'run'}"
    assert "<h2>generated</h2>" in page
    assert origin in page
    assert (report / "report.md").read_text().splitlines()[2:5:2] == ["## generated", f"{origin}."]


def test_names_cannot_break_out_of_the_page(page: str) -> None:
    assert "t5/<0>" not in page
    assert "t5/\\u003c0\\u003e" in page


def test_blocks_of_columns_have_the_titles_of_protocols(report: Path, page: str) -> None:
    assert re.search(r'<th colspan="3" class="edge">caos: mean over images</th>', page)
    assert r"\shortstack{dataset:\\ all pixels}" in (report / "report.tex").read_text()


def test_a_run_without_records_is_drawn_with_what_it_has(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", seeds=(0,))
    folder = run / "evaluations" / "key0"
    for name in ("images.jsonl", "thresholds.json"):
        (folder / name).unlink()
    shutil.rmtree(folder / "gallery")
    (run / "comparisons.jsonl").unlink()
    write_json(run / "run.json", {"evaluation": "key0"})
    write_report(read_results(run), tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    for absent in ("What makes it hard", "Is the difference real", "Where they fail", '<h3 id="s0-thresholds', "±"):
        assert absent not in page
    assert "The same scores under other protocols" in page


@pytest.mark.slow
def test_several_benchmarks_and_runs_have_an_overview(tmp_path: Path) -> None:
    one, other = (write_run(tmp_path / name, seeds=(0,), benchmark=name) for name in ("alpha", "beta"))
    write_report([*read_results(one), *read_results(other)], tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    assert 'id="overview"' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[object]:
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra: test)")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium or chromedriver is missing (Debian: chromium, chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = program
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    yield found
    found.quit()


PIXELS = """
const canvas = document.querySelector('[data-part="canvas"]');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const seen = {};
for (let at = 0; at < data.length; at += 4) {
  const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
  const kind = r === g && g === b ? 'grey' : g > 1.5 * r && b > 1.5 * r ? 'found'
    : r > g && g > b ? 'wrong' : r > b && b > g ? 'missed' : 'void';
  seen[kind] = (seen[kind] ?? 0) + 1;
}
return seen;
"""
SET = """
const slider = document.querySelector('[data-part="slider"]');
slider.value = arguments[0];
slider.dispatchEvent(new Event('input', { bubbles: true }));
"""


@pytest.mark.slow
def test_the_page_works_in_a_browser(report: Path, browser: object) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select
    from selenium.webdriver.support.wait import WebDriverWait

    def part(name: str) -> object:
        return browser.find_element(By.CSS_SELECTOR, f'[data-part="{name}"]')

    def after(act: object) -> dict[str, int]:
        """What is on the canvas once it was drawn anew."""
        turn = "return document.querySelector('.gallery').dataset.drawn"
        before = browser.execute_script(turn)
        act()
        WebDriverWait(browser, 20).until(lambda _: browser.execute_script(turn) != before)
        return browser.execute_script(PIXELS)

    def press(element: object) -> None:
        browser.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    browser.get((report / "index.html").as_uri())
    WebDriverWait(browser, 20).until(
        lambda _: browser.execute_script("return document.querySelector('.gallery').dataset.drawn")
    )
    top = int(part("slider").get_attribute("max"))
    start = browser.execute_script(PIXELS)
    all_flagged = after(lambda: browser.execute_script(SET, 1))
    none_flagged = after(lambda: browser.execute_script(SET, top))
    sample, scores = scene(3)
    anomalous = int((sample.anomaly == 1).sum())
    # Worst false alarms first need not be image 3; whichever it is, the lowest step flags all, the highest almost none.
    assert all_flagged["wrong"] > start["wrong"] > none_flagged.get("wrong", 0)
    assert all_flagged.get("missed", 0) == 0
    assert none_flagged["missed"] > 0.9 * all_flagged["found"] >= 0.9 * 200
    assert all_flagged["void"] == none_flagged["void"] == 3 * WIDTH

    # Worst misses first: image 3, whose scores are low on the anomaly; exact counts at the best-F1 threshold of 1.25.
    after(lambda: Select(part("order")).select_by_value("missed"))
    assert part("caption").text.startswith("t5/<3> · heavy fog · deer")
    best = "energy(temperature=2.0)"
    flagged = scores[best] >= np.float32(1.25 * SCALE[best])
    shown = after(lambda: press(part("marks").find_elements(By.TAG_NAME, "button")[0]))
    assert shown.get("found", 0) == int((flagged & (sample.anomaly == 1)).sum())
    assert shown["missed"] == anomalous - shown.get("found", 0)
    assert shown["wrong"] == int((flagged & (sample.anomaly == 0)).sum())
    assert part("found-here").text == f"{100 * shown.get('found', 0) / anomalous:.1f} %"

    # Keyboard alone: the slider moves by a step, the picture's arrows change the image, and the detector can change.
    value = part("slider").get_attribute("value")
    after(lambda: part("slider").send_keys(Keys.ARROW_LEFT))
    assert int(part("slider").get_attribute("value")) == int(value) - 1
    after(lambda: part("canvas").send_keys(Keys.ARROW_RIGHT))
    assert not part("caption").text.startswith("t5/<3>")
    other = after(lambda: Select(part("detector")).select_by_visible_text("MSP"))
    assert other != shown
    for view in ("heat", "truth", "image"):
        after(lambda view=view: press(browser.find_element(By.CSS_SELECTOR, f'[data-view="{view}"]')))

    # A line of the legend hides its curves.
    press(browser.find_element(By.CSS_SELECTOR, "[data-line]"))
    assert not browser.find_element(By.ID, "s0-roc-0").is_displayed()
    assert browser.find_element(By.ID, "s0-roc-1").is_displayed()

    # As narrow as a telephone, the page itself never scrolls sideways.
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    assert browser.execute_script("return document.documentElement.clientWidth") == 400
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    assert browser.execute_script("return document.querySelector('canvas').getBoundingClientRect().width") > 300
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here (Debian: texlive-latex-recommended)")
def test_latex_takes_the_tables(report: Path, tmp_path: Path) -> None:
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\usepackage[a4paper,landscape,margin=1cm]{geometry}"
        f"\\begin{{document}}\\input{{{report / 'report.tex'}}}\\end{{document}}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").is_file()
