"""AUROC, AP and FPR95 of 50 million pixels: streaming beside the original CAOS measure and scikit-learn, in one run.

The CAOS measure is written here from its description: known and anomalous scores are concatenated, AUROC and AP come
from scikit-learn, FPR95 from a stable merge sort in descending order, cumulative sums, and the recall nearest to 0.95.
The memory of the streaming metric is the peak of what it allocates, as tracemalloc sees it (numpy reports to it).

Usage: python tests/benchmarks/bench_ranking.py [--out FILE] [--pixels N]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from ood_eval.metrics import ScoreHistogram, ranking_curve

IMAGE_PX = 1280 * 720


def simulated(pixels: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Negated highest of 13 logits, 1 % of the pixels anomalous with lower logits."""
    rng = np.random.default_rng(seed)
    scores, anomaly = np.zeros(pixels, dtype=np.float32), np.zeros(pixels, dtype=np.uint8)
    for start in range(0, pixels, IMAGE_PX):
        size = min(IMAGE_PX, pixels - start)
        flags = (rng.random(size) < 0.01).astype(np.uint8)
        # The highest of 13 normal logits by its distribution function, then a margin for the right class.
        highest = (
            rng.normal(size=size) * 0.6 + 1.7 + np.where(flags, rng.exponential(1.5, size), rng.normal(8, 2.5, size))
        )
        scores[start : start + size], anomaly[start : start + size] = -highest, flags
    return scores, anomaly


def caos_measure(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> dict[str, float]:
    """The original measure over one array of known and one of anomalous scores."""
    positive, negative = scores[anomaly == 1].reshape(-1, 1), scores[anomaly == 0].reshape(-1, 1)
    examples = np.squeeze(np.vstack((positive, negative)))
    labels = np.zeros(len(examples), dtype=np.int32)
    labels[: len(positive)] += 1
    auroc, aupr = roc_auc_score(labels, examples), average_precision_score(labels, examples)
    order = np.argsort(examples, kind="mergesort")[::-1]
    examples, truth = examples[order], labels[order] == 1
    ends = np.r_[np.flatnonzero(np.diff(examples)), truth.size - 1]
    hits = np.cumsum(truth, dtype=np.float64)
    if not np.allclose(hits[-1], np.sum(truth, dtype=np.float64)):
        raise RuntimeError("the cumulative sum lost precision")
    hits = hits[ends]
    false = 1 + ends - hits
    recall = hits / hits[-1]
    last = hits.searchsorted(hits[-1])
    down = slice(last, None, -1)
    recall, false = np.r_[recall[down], 1], np.r_[false[down], 0]
    nearest = np.argmin(np.abs(recall - 0.95))
    return {"auroc": float(auroc), "aupr": float(aupr), "fpr95": float(false[nearest] / np.sum(~truth))}


def sklearn_measure(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> dict[str, float]:
    """AUROC, AP and FPR at the first recall of 95 % by scikit-learn alone."""
    fpr, tpr, _ = roc_curve(anomaly, scores)
    first = float(fpr[np.argmax(tpr >= 0.95)])
    return {
        "auroc": float(roc_auc_score(anomaly, scores)),
        "aupr": float(average_precision_score(anomaly, scores)),
        "fpr95": first,
    }


def streaming_measure(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> dict[str, list[float]]:
    """[low, value, high] of each number, fed by images of 1280x720."""
    histogram = ScoreHistogram()
    for start in range(0, scores.size, IMAGE_PX):
        histogram.update(scores[start : start + IMAGE_PX], anomaly[start : start + IMAGE_PX])
    brackets = (histogram.auroc(), histogram.average_precision(), histogram.fpr_at_first_recall())
    return {name: [b.low, b.value, b.high] for name, b in zip(("auroc", "aupr", "fpr95"), brackets, strict=True)}


def exact_measure(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> dict[str, float]:
    """The project's exact mode."""
    curve = ranking_curve(scores, anomaly)
    return {"auroc": curve.auroc(), "aupr": curve.average_precision(), "fpr95": curve.fpr_at_first_recall()}


def timed(action: Callable[[], object]) -> tuple[float, object]:
    """Seconds of one run, and what it gave."""
    started = time.perf_counter()
    result = action()
    return time.perf_counter() - started, result


def main() -> None:
    """Measures, prints JSON, and writes it where --out says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pixels", type=int, default=50_000_000)
    options = parser.parse_args()
    scores, anomaly = simulated(options.pixels)
    streaming_measure(scores[:IMAGE_PX], anomaly[:IMAGE_PX])
    streaming_s, found = timed(lambda: streaming_measure(scores, anomaly))
    tracemalloc.start()
    streaming_measure(scores, anomaly)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    exact_s, exact = timed(lambda: exact_measure(scores, anomaly))
    sklearn_s, peer = timed(lambda: sklearn_measure(scores, anomaly))
    caos_s, caos = timed(lambda: caos_measure(scores, anomaly))
    inside = all(low <= exact[name] <= high for name, (low, _, high) in found.items())
    result = {
        "machine": {"cpu": platform.processor() or platform.machine(), "numpy": np.__version__},
        "pixels": options.pixels,
        "seconds": {"streaming": streaming_s, "exact": exact_s, "scikit_learn": sklearn_s, "caos": caos_s},
        "speed_up": {"over_caos": caos_s / streaming_s, "over_scikit_learn": sklearn_s / streaming_s},
        "streaming_peak_mib": peak / 2**20,
        "low_value_high": found,
        "exact": exact,
        "scikit_learn": peer,
        "caos": caos,
        "exact_inside_bracket": inside,
    }
    text = json.dumps(result, indent=2)
    if options.out is not None:
        options.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
