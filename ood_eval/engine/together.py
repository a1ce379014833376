"""What several evaluations say together: means over training runs, and detectors compared in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ood_eval.engine.bootstrap import compare, image_table
from ood_eval.engine.row import read_rows
from ood_eval.engine.summary import summarise
from ood_eval.store import read_lines, write_lines
from ood_eval.tasks.image_record import ImageRecord


def write_together(out: Path, done: Sequence[tuple[str, Path]], detectors: Sequence[str]) -> None:
    """Writes `summary.jsonl` and `comparisons.jsonl` into `out`.

    Args:
        out: folder of the run.
        done: label of the benchmark and folder of each evaluation.
        detectors: labels, in order.

    Raises:
        ResultError: an evaluation is damaged, or the folder cannot be written.
    """
    write_lines(out / "summary.jsonl", summarise(row for _, folder in done for row in read_rows(folder / "rows.jsonl")))
    comparisons = []
    for label in dict.fromkeys(benchmark for benchmark, _ in done):
        runs = [read_lines(folder / "images.jsonl", ImageRecord) for benchmark, folder in done if benchmark == label]
        comparisons += compare(label, detectors, image_table(runs, detectors))
    write_lines(out / "comparisons.jsonl", comparisons)
