"""Every benchmark by name. A benchmark is one file: its adapter, and below it where to get it and how it is found."""

from __future__ import annotations

from typing import Final

from ood_eval.benchmarks import (
    bdd_anomaly,
    cityscapes,
    fishyscapes_lostandfound,
    fishyscapes_static,
    folders,
    generated,
    lost_and_found,
    road_anomaly,
    road_anomaly_21,
    road_obstacle_21,
    streethazards,
)
from ood_eval.benchmarks.benchmark import Benchmark

BENCHMARKS: Final[dict[str, Benchmark]] = {
    "streethazards": streethazards.BENCHMARK,
    "generated": generated.BENCHMARK,
    "bdd_anomaly": bdd_anomaly.BENCHMARK,
    "fishyscapes_lostandfound": fishyscapes_lostandfound.BENCHMARK,
    "fishyscapes_static": fishyscapes_static.BENCHMARK,
    "road_anomaly": road_anomaly.BENCHMARK,
    "road_anomaly_21": road_anomaly_21.BENCHMARK,
    "road_obstacle_21": road_obstacle_21.BENCHMARK,
    "lost_and_found": lost_and_found.BENCHMARK,
    "folders": folders.BENCHMARK,
    "cityscapes": cityscapes.BENCHMARK,
}
