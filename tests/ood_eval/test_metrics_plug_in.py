"""A protocol is one class: registered, it is run, stored, aggregated and reported like any other."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.row import read_rows
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.errors import ConfigError
from ood_eval.files import read_json
from ood_eval.metrics import PROTOCOLS, USUAL, Metric, Number
from ood_eval.metrics.dataset import Dataset
from ood_eval.networks import CheckpointFile, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.report.result import read_results
from ood_eval.report.terminal import print_table
from ood_eval.report.write import write_report

STREETS = BenchmarkSpec("streethazards")


class Toy(Dataset):
    """Pooled numbers, the mean score of all anomalous pixels, and the largest score once more after the last image."""

    name: ClassVar[str] = "toy"
    title: ClassVar[str] = "toy: a toy"
    words: ClassVar[str] = "a toy & nothing else"
    in_main_table: ClassVar[bool] = True
    beside_curves: ClassVar[bool] = False
    counts_as: ClassVar[str] = "toy"
    metrics: ClassVar[tuple[Metric, ...]] = (*USUAL, Metric("lowest", "Lowest ↓", larger_is_better=False))
    keeps_maps: ClassVar[bool] = True

    def pooled(self) -> None:
        return None

    def at_own_threshold(self, images, track: str) -> list[Number]:
        assert track == "anomaly"
        lowest = [float(scores.min()) for scores, _ in images]
        return [Number("lowest", min(lowest), min(lowest), min(lowest), len(lowest), 0, 0)]


@pytest.mark.slow
def test_a_protocol_of_ones_own_runs_through(
    shared_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="unknown protocol 'toy'; known are caos, dataset"):
        Suite("s", (STREETS,), (DetectorSpec("msp"),), STREETS, ("toy",))
    monkeypatch.setitem(PROTOCOLS, "toy", Toy)
    shape = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)
    checkpoint = tmp_path / "s.pt"
    save_segmenter(checkpoint, build_segmenter(shape, StreetHazards.class_names, "none", 0), shape)
    detectors = (DetectorSpec("msp"), DetectorSpec("energy"))
    suite = Suite("s", (STREETS,), detectors, STREETS, ("caos", "toy"), 2)
    out = Campaign(suite, shared_streets, lambda *_: CheckpointFile(checkpoint), (None,)).run(tmp_path / "out")
    (key,) = (one["key"] for one in read_json(out / "run.json")["evaluations"])
    rows = [row for row in read_rows(out / "evaluations" / key / "rows.jsonl") if row.protocol == "toy"]
    assert {row.metric for row in rows} == {"auroc", "aupr", "fpr95", "lowest"}
    assert all(np.isfinite(row.value) for row in rows)
    write_report(read_results(out), tmp_path / "report")
    report, page = ((tmp_path / "report" / name).read_text() for name in ("report.md", "index.html"))
    assert "- `toy`: a toy & nothing else." in report
    assert "AUROC ↑ (toy)" in report
    assert "a toy &amp; nothing else" in page
    assert r"\multicolumn{3}{c}{\shortstack{toy:\\ a toy}}" in (tmp_path / "report/report.tex").read_text()
    # Of a metric whose smaller value is the better one, the smaller is marked.
    best = min(rows[i].value for i in range(len(rows)) if rows[i].metric == "lowest")
    table = report[report.index("lowest (toy)") :].splitlines()[2:4]
    marked = [line for line in table if f"**{100 * best:.1f}**" in line]
    assert len(marked) == 1
    (result,) = read_results(out)
    print_table(result)
    assert "toy" in capsys.readouterr().out
