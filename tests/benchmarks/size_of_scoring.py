"""What scoring at the size of training gains or costs: one segmenter, one test set, shrunk to several sizes, as JSON.

Usage: python tests/benchmarks/size_of_scoring.py CHECKPOINT SET WIDTHxHEIGHT [FACTOR ...]

SET has a test split in StreetHazards' layout (hazardsim render --anomalies), WIDTHxHEIGHT is the size of the pictures
that the checkpoint was trained on. For each factor the set's pictures are shrunk by it (labels take every n-th pixel),
and scored as they then are (native) and at the size of training; numbers are pooled over all pixels, in percent.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets.class_map import class_map
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine.scoring import Instruments
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.metrics import make_protocol
from ood_eval.networks import load_segmenter
from ood_eval.tasks import TASKS

NAMES = ("msp", "maxlogit", "energy", "entropy")


def main() -> None:
    checkpoint, root, trained, *given = sys.argv[1:]
    factors = [float(one) for one in given] or [1.0, 0.5, 0.25]
    segmenter = load_segmenter(Path(checkpoint))
    split, task = StreetHazards(Path(root), "test"), TASKS["pixel"]
    classes = class_map(segmenter.class_names, split.class_names)
    detectors = {name: build_detector(name, {}, DETECTORS) for name in NAMES}
    found: list[dict[str, Any]] = []
    for factor in factors:
        for size in ("native", trained):
            instruments = Instruments(segmenter, detectors, classes, ScoringSize.of(size))
            protocols = {name: make_protocol("dataset") for name in NAMES}
            started, shape = time.perf_counter(), (0, 0)
            for index in range(len(split)):
                item = shrunk(task.item(split, index), factor)
                shape = item.anomaly.shape
                prediction = instruments.predict(item)
                for name in NAMES:
                    protocols[name].update(instruments.scores(name, prediction, item), item.anomaly)
            numbers = {
                name: {one.metric: round(100 * one.value, 1) for one in protocol.compute()}
                for name, protocol in protocols.items()
            }
            seconds = (time.perf_counter() - started) / len(split)
            found.append(
                {"pictures": f"{shape[1]}x{shape[0]}", "scored_at": size, "seconds": round(seconds, 2)} | numbers
            )
    json.dump({"images": len(split), "threads": torch.get_num_threads(), "results": found}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def shrunk(item: Any, factor: float) -> Any:
    """An item with its picture averaged, and its labels thinned, to a part of its sides."""
    step = round(1 / factor)
    if step == 1:
        return item
    anomaly = item.anomaly[::step, ::step]
    picture = cv2.resize(item.sample.image, anomaly.shape[::-1], interpolation=cv2.INTER_AREA)
    return replace(item, anomaly=anomaly, sample=replace(item.sample, image=picture, classes=None, anomaly=None))


if __name__ == "__main__":
    main()
