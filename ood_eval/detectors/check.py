"""The contract of detectors as a check that anyone can run on their own."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ood_eval.data.labels import CLASS_NAMES
from ood_eval.data.sample import VOID
from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError
from ood_eval.models.forward import Forward
from ood_eval.models.segmenter import Segmenter

_BATCH, _HEIGHT, _WIDTH = 3, 24, 40


def check_detector(make: Callable[[], Detector], name: str = "detector") -> None:
    """Runs a detector on a small seeded network and refuses any breach of the contract.

    Checked: refuses to score unfitted; shape, float32, finite; the same twice; a batch equals its images one by one;
    survives saving and loading; void labels change nothing.

    Raises:
        DetectorError: which rule is broken.
    """
    segmenter = _small_segmenter()
    images, labels = _pictures(segmenter)
    if make().fit_split is not None:
        _must_refuse(make(), Forward(segmenter, images), name)
    detector = _fitted(make, segmenter, images, labels)
    scores = detector.score(Forward(segmenter, images)).cpu()
    _require(scores.shape == (_BATCH, _HEIGHT, _WIDTH), name, f"scores have shape {tuple(scores.shape)}, not [B,H,W]")
    _require(scores.dtype == torch.float32, name, f"scores are {scores.dtype}, not float32")
    _require(bool(torch.isfinite(scores).all()), name, "scores hold NaN or infinity")
    _require(torch.equal(detector.score(Forward(segmenter, images)).cpu(), scores), name, "a second call differs")
    singles = torch.cat([detector.score(Forward(segmenter, images[i : i + 1])).cpu() for i in range(_BATCH)])
    _require(torch.allclose(singles, scores, rtol=1e-4, atol=1e-5), name, "a batch differs from its images one by one")
    reloaded = make()
    reloaded.restore(_through_file(detector.state()))
    _require(torch.equal(reloaded.score(Forward(segmenter, images)).cpu(), scores), name, "a saved copy differs")
    _check_void(make, segmenter, images, labels, name)


def _check_void(make: Callable[[], Detector], segmenter: Segmenter, images: Tensor, labels: Tensor, name: str) -> None:
    """Whoever reads labels must skip void pixels; whoever does not must not care."""
    if make().fit_split is None:
        return
    probe = Forward(segmenter, images)
    plain = _fitted(make, segmenter, images, labels)
    scores = plain.score(probe)
    merged = _fitted(make, segmenter, images, labels // 3).score(probe)
    nothing = torch.full_like(labels, VOID)
    if torch.equal(merged, scores):
        same = _fitted(make, segmenter, images, nothing).score(probe)
    else:
        more = (torch.cat([images, images.flip(0) // 2]), torch.cat([labels, nothing]))
        same = _fitted(make, segmenter, *more).score(probe)
    _require(torch.equal(same, scores), name, "void labels change the scores")


def _fitted(make: Callable[[], Detector], segmenter: Segmenter, images: Tensor, labels: Tensor) -> Detector:
    detector = make()
    if detector.fit_split is not None:
        for index in range(len(images)):
            detector.observe(Forward(segmenter, images[index : index + 1]), labels[index : index + 1])
        detector.finish()
    return detector


def _must_refuse(detector: Detector, forward: Forward, name: str) -> None:
    try:
        detector.score(forward)
    except DetectorError:
        return
    raise DetectorError(f"{name}: scores although it was never fitted")


def _through_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    stream = io.BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    loaded: dict[str, Tensor] = torch.load(stream, weights_only=True)
    return loaded


def _require(holds: bool, name: str, breach: str) -> None:
    if not holds:
        raise DetectorError(f"{name}: {breach}")


class _SmallNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 1))
        self.head = nn.Conv2d(8, len(CLASS_NAMES), 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        features = self.features(images)
        return 4.0 * self.head(features), features, None


def _small_segmenter() -> Segmenter:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _SmallNetwork()
    return Segmenter(network, CLASS_NAMES).eval()


def _pictures(segmenter: Segmenter) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = (_BATCH, 3, _HEIGHT, _WIDTH)
    images = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    labels = Forward(segmenter, images).top[1].to(torch.uint8)
    return images, labels
