"""Ratios of the evaluation and training code, measured side by side in one run, as JSON.

Detector suite over one prediction pass, and every detector alone; scores of logits over pytorch-ood's of the same; a
training step in bf16 and channels_last over one in fp32. On a busy machine set OMP_WAIT_POLICY=passive.

Usage: python tests/benchmarks/bench_detectors.py [OUT.json]
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.detectors import DETECTORS, Detector, build_detector
from ood_eval.networks import Prediction, PyramidConfig, Segmenter, build_segmenter
from ood_eval.training.recipe import Recipe
from ood_eval.training.task import SegmentationTask

POST_HOC = ("msp", "maxlogit", "background", "energy", "entropy")
# All that only read the shared pass, but for the random field.
ALL_POST_HOC = tuple(
    name
    for name, kind in DETECTORS.items()
    if not kind.reads & {"images", "network"} and not kind.baseline and name != "crf"
)
# As many as fill the banks of kNN and LOF.
_FIT_IMAGES = 128
STEPPED = ("maxlogit+blur(7,1)", "maxlogit+flip", "maxlogit+multiscale(0.75,1,1.25,of=logits)")
NETWORKS = {
    "paper": PyramidConfig("pspnet", "resnet101"),
    "small": PyramidConfig("pspnet_short", "efficientnet_lite0", channels=256, auxiliary=False),
}


def seconds(action: Callable[[], object], repeats: int = 3) -> float:
    """Median time of an action after one run that does not count."""
    action()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def suite_over_forward(segmenter: Segmenter, height: int, width: int, names: Sequence[str]) -> dict[str, float]:
    """Time of detectors together over the time of the prediction pass (network and upsampling) they share."""
    images = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8)
    detectors = fitted(segmenter, names)

    pairs = []
    for _ in range(6):
        started = time.perf_counter()
        prediction = Prediction.of(segmenter, images)
        between = time.perf_counter()
        for detector in detectors.values():
            detector.score(prediction)
        pairs.append((between - started, time.perf_counter() - between))
    alone, suite = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    return {"forward_s": alone, "suite_s": suite, "suite_over_forward": suite / alone}


def fitted(segmenter: Segmenter, names: Sequence[str]) -> dict[str, Detector]:
    """Detectors that were fitted on noise, with untrained networks of their own."""
    segmenter.eval()
    detectors = {name: build_detector(name, {}, DETECTORS) for name in names}
    for detector in detectors.values():
        if (part := detector.trained_part) is not None:
            given = {"segmenter": segmenter} if part.uses_segmenter else {}
            detector.equip(part.network(**part.arguments(**given)).eval())
    needy = any(detector.fit_split is not None for detector in detectors.values())
    for _ in range(_FIT_IMAGES if needy else 0):
        images = torch.randint(0, 256, (1, 3, 96, 160), dtype=torch.uint8)
        prediction = Prediction.of(segmenter, images)
        labels = prediction.top[1].to(torch.uint8)
        for detector in detectors.values():
            detector.observe(prediction, labels)
    for detector in detectors.values():
        if detector.fit_split is not None:
            detector.finish()
    return detectors


def each_detector(segmenter: Segmenter, height: int, width: int) -> dict[str, float]:
    """Seconds of each detector on an image whose prediction pass is done, fitted on images of noise."""
    detectors = fitted(segmenter, (*DETECTORS, *STEPPED))
    prediction = Prediction.of(segmenter, torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8))

    def score_anew(name: str) -> None:
        """Without the views that an earlier call has left."""
        if prediction.source is not None:
            prediction.source.views.clear()
        detectors[name].score(prediction)

    return {name: seconds(lambda name=name: score_anew(name)) for name in detectors}  # type: ignore[misc]


def beside_pytorch_ood(height: int, width: int) -> dict[str, dict[str, float]]:
    """Our time over pytorch-ood's, of the same score of the same logits of 13 classes on one thread."""
    from pytorch_ood.detector import EnergyBased, Entropy, MaxLogit, MaxSoftmax

    peers = {"msp": MaxSoftmax, "maxlogit": MaxLogit, "energy": EnergyBased, "entropy": Entropy}
    logits = 3.0 * torch.randn(1, len(CLASS_NAMES), height, width)
    features = torch.zeros(1, 0, 1, 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {}
    for name, peer in peers.items():
        detector = build_detector(name, {}, DETECTORS)

        def ours(detector: Detector = detector) -> object:
            """Anew each time, so that nothing is shared."""
            return detector.score(Prediction(logits, features))

        # In turns, so that a busy machine slows both.
        with torch.inference_mode():
            pairs = [(seconds(ours, 1), seconds(partial(peer.score, logits), 1)) for _ in range(5)]
        own, theirs = (min(column) for column in zip(*pairs, strict=True))
        found[name] = {"ours_s": own, "pytorch_ood_s": theirs, "ours_over_theirs": own / theirs}
    torch.set_num_threads(threads)
    return found


def half_over_single(config: PyramidConfig, batch: int, size: tuple[int, int]) -> dict[str, float]:
    """Time of a training step in bf16 autocast and channels_last over one in fp32 and channels_first."""
    images = torch.randint(0, 256, (batch, 3, *size), dtype=torch.uint8)
    classes = torch.randint(0, len(CLASS_NAMES), (batch, *size), dtype=torch.uint8)
    found = {}
    for name, half in (("bf16_channels_last_s", True), ("fp32_s", False)):
        segmenter = build_segmenter(config, CLASS_NAMES, "none", 0).train()
        if not half:
            segmenter = segmenter.to(memory_format=torch.contiguous_format)
            segmenter.normalise = lambda u8, s=segmenter: (u8.float() / 255.0 - s.mean) / s.std  # type: ignore[method-assign]
        task = SegmentationTask(segmenter, Recipe(auxiliary_weight=0.0), 1, 0)
        optimizer = torch.optim.SGD(segmenter.parameters(), lr=1e-3, momentum=0.9)

        def step(task: SegmentationTask = task, optimizer: torch.optim.SGD = optimizer, half: bool = half) -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits, _, _ = task.segmenter(images)
                target = classes[:, 4::8, 4::8][:, : logits.shape[2], : logits.shape[3]].long()
                loss = torch.nn.functional.cross_entropy(logits.float(), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        found[name] = seconds(step)
    return found | {"speed_up": found["fp32_s"] / found["bf16_channels_last_s"]}


def main() -> None:
    """Measures and prints JSON, and writes it where the first argument says."""
    segmenters = {name: build_segmenter(config, CLASS_NAMES, "none", 0) for name, config in NETWORKS.items()}
    result = {
        "machine": {"cpu": platform.processor() or platform.machine(), "threads": torch.get_num_threads()},
        "caos_detectors_640x360": {n: suite_over_forward(one, 360, 640, POST_HOC) for n, one in segmenters.items()},
        "all_post_hoc_640x360": {n: suite_over_forward(one, 360, 640, ALL_POST_HOC) for n, one in segmenters.items()},
        "beside_pytorch_ood_1280x720": beside_pytorch_ood(720, 1280),
        "each_detector_640x360_s": each_detector(segmenters["small"], 360, 640),
        "training_step_256x320": {name: half_over_single(config, 4, (256, 320)) for name, config in NETWORKS.items()},
    }
    text = json.dumps(result, indent=2)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
