"""The headline of a result: a few numbers, each with what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.report.result import Result
from ood_eval.report.significance import difference_of
from ood_eval.report.table import curve_protocol, main_protocols

Tile = tuple[str, str]


def headline_protocol(result: Result) -> str:
    """The protocol of headlines: pooled if the run has that."""
    found = main_protocols(result)
    return curve_protocol(found) or found[0]


def tiles_of(result: Result, ranked: Sequence[str]) -> tuple[Tile, ...]:
    """Number and words of each tile; what is undefined is left out.

    Args:
        result: read from disk.
        ranked: its detectors, the best by AUPR first.
    """
    protocol, best = headline_protocol(result), ranked[0]
    aupr, fpr = (result.spread(best, protocol, metric)[0] for metric in ("aupr", "fpr95"))
    tiles: list[Tile] = []
    if not math.isnan(aupr):
        words = f"is the best by AUPR: {100 * aupr:.1f} % ({protocol})"
        tiles.append((result.title(best), words + _ahead(result, protocol, aupr)))
    if not math.isnan(fpr):
        tiles.append((f"{100 * fpr:.1f} %", "of the known pixels it flags to find 95 % of the anomalous ones"))
    if len(ranked) > 1 and not math.isnan(aupr):
        tiles += _lead(result, protocol, best, ranked[1])
    first = result.ranking_rows[0]
    known = BENCHMARKS.get(first.benchmark)
    always = known is not None and known.generated
    kind = "a generated set" if always else first.benchmark
    generated = ", generated" if result.generated and not always else ""
    count = first.images + first.skipped
    tiles.append((f"{count:,}", f"{'image' if count == 1 else 'images'} of {kind}{generated}"))
    return tuple(tiles)


def _ahead(result: Result, protocol: str, aupr: float) -> str:
    """A warning where something that sees no network has the higher AUPR."""
    values = {name: result.spread(name, protocol, "aupr")[0] for name in result.references}
    better = [name for name, value in values.items() if value > aupr]
    if not better:
        return ""
    first = max(better, key=lambda name: values[name])
    return f"; {result.title(first)}, without a network, has {100 * values[first]:.1f} %"


def _lead(result: Result, protocol: str, best: str, runner: str) -> list[Tile]:
    """How far the best is ahead: under the headline's protocol, and image by image, of which alone chance is known."""
    ahead = result.spread(best, protocol, "aupr")[0] - result.spread(runner, protocol, "aupr")[0]
    if math.isnan(ahead):
        return []
    tiles = [(f"{100 * ahead:+.1f}", f"points of AUPR ({protocol}) over the next, {result.title(runner)}")]
    compared = difference_of(result, best, runner, "aupr")
    if compared is not None:
        verdict = "larger than chance" if compared[1] else "within chance"
        words = f"points of AUPR over {result.title(runner)} in the mean over images, {verdict}"
        tiles.append((f"{100 * compared[0]:+.1f}", words))
    return tiles
