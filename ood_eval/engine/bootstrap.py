"""Whether one detector is better than another, or only luckier in its images: a paired bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.tasks.image_record import METRICS, ImageRecord

RESAMPLES: Final = 2000
_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference `one` - `other` of the image means of a metric, with its 95 % interval and two-sided p-values.

    `p_value` is of this pair alone; `p_family` of all pairs that were compared under the metric: the chance that any of
    them would look so different if none were.
    """

    benchmark: str
    metric: str
    one: str
    other: str
    difference: float
    low: float
    high: float
    p_value: float
    p_family: float
    images: int
    resamples: int


def image_table(runs: Sequence[Iterable[ImageRecord]], detectors: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Per metric the values [N,D] of the N images that have both classes, averaged over runs (seeds) of a benchmark."""
    sums: dict[str, NDArray[np.float64]] = {}
    for run in runs:
        rows: dict[str, list[list[float]]] = {metric: [] for metric in METRICS}
        for record in run:
            found = [record.values[detector] for detector in detectors]
            for metric in METRICS:
                values = [value[metric] for value in found]
                if all(value is not None for value in values):
                    rows[metric].append([float(value) for value in values if value is not None])
        for metric, lines in rows.items():
            table = np.array(lines).reshape(-1, len(detectors)) / len(runs)
            sums[metric] = sums[metric] + table if metric in sums else table
    return sums


def compare(
    benchmark: str,
    detectors: Sequence[str],
    tables: Mapping[str, NDArray[np.float64]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Comparison]:
    """Every pair of detectors under every metric; nothing where fewer than two images count.

    Images are drawn with replacement, the same ones for both detectors. The p-value of a pair is twice the smaller
    share of resampled differences on either side of 0, that of the family the share of resamples in which the largest
    standardised deviation of any pair exceeds the pair's own difference (single-step max-t); both with one added to
    count and total.

    Source: Efron and Tibshirani 1993, chapters 13 and 15; Davison and Hinkley 1997 section 4.2 for the added one;
    Westfall and Young 1993, section 2.3, and Romano and Wolf 2005 (Econometrica 73) for the family.

    Args:
        benchmark: as rows name it.
        detectors: D labels.
        tables: by metric, [N,D].
        resamples: number of draws.
        seed: of the draws.
    """
    found: list[Comparison] = []
    for metric, table in tables.items():
        images = table.shape[0]
        if images < 2:
            continue
        means = _resampled_means(table, resamples, np.random.default_rng([seed, images]))
        one, other = np.triu_indices(len(detectors), k=1)
        drawn, seen = means[:, one] - means[:, other], (table[:, one] - table[:, other]).mean(axis=0)
        lows, highs = np.quantile(drawn, (0.025, 0.975), axis=0)
        sides = np.minimum((drawn <= 0).sum(axis=0), (drawn >= 0).sum(axis=0))
        pair = np.minimum(2 * (sides + 1) / (resamples + 1), 1.0)
        family = _family_p(drawn, seen)
        found += [
            Comparison(
                benchmark, metric, detectors[one[k]], detectors[other[k]], float(seen[k]), float(lows[k]),
                float(highs[k]), float(pair[k]), float(family[k]), images, resamples,
            )
            for k in range(len(seen))
        ]  # fmt: skip
    return found


def _family_p(drawn: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Max-t p-values [P] of differences [P] with resampled ones [R,P]; equal detectors (no spread) get 1."""
    spread = drawn.std(axis=0, ddof=1)
    scale = np.where(spread > 0, spread, np.inf)
    largest = (np.abs(drawn - seen) / scale).max(axis=1, initial=0.0)
    size = np.where((spread > 0) | (seen == 0), np.abs(seen) / scale, np.inf)
    found: NDArray[np.float64] = ((largest[:, None] >= size).sum(axis=0) + 1) / (len(drawn) + 1)
    return found


def _resampled_means(table: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Column means of `resamples` draws of rows, [R,D], a hundred draws in memory at a time."""
    images = table.shape[0]
    parts = []
    for start in range(0, resamples, _CHUNK):
        times = rng.multinomial(images, np.full(images, 1.0 / images), size=min(_CHUNK, resamples - start))
        parts.append(times @ table / images)
    return np.concatenate(parts)
