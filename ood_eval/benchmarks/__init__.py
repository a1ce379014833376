"""Every benchmark by name."""

from __future__ import annotations

from typing import Final

from ood_eval.benchmarks.bdd_anomaly import BddAnomaly
from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.cityscapes import Cityscapes
from ood_eval.benchmarks.fishyscapes_lostandfound import FishyscapesLostAndFound
from ood_eval.benchmarks.fishyscapes_static import FishyscapesStatic
from ood_eval.benchmarks.folders import Folders
from ood_eval.benchmarks.generated import Generated
from ood_eval.benchmarks.lost_and_found import LostAndFound
from ood_eval.benchmarks.road_anomaly import RoadAnomaly
from ood_eval.benchmarks.road_anomaly_21 import RoadAnomaly21
from ood_eval.benchmarks.road_obstacle_21 import RoadObstacle21
from ood_eval.benchmarks.streethazards import StreetHazards

BENCHMARKS: Final[dict[str, Benchmark]] = {
    "streethazards": StreetHazards,
    "generated": Generated,
    "bdd_anomaly": BddAnomaly,
    "fishyscapes_lostandfound": FishyscapesLostAndFound,
    "fishyscapes_static": FishyscapesStatic,
    "road_anomaly": RoadAnomaly,
    "road_anomaly_21": RoadAnomaly21,
    "road_obstacle_21": RoadObstacle21,
    "lost_and_found": LostAndFound,
    "folders": Folders,
    "cityscapes": Cityscapes,
}
