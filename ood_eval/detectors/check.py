"""The contract of detectors as a check that anyone can run on their own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final, cast

import torch
from torch import Tensor, nn

from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.datasets.sample import VOID
from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError
from ood_eval.networks.autoencoder import Autoencoder
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.extras import Extras
from ood_eval.networks.forward import Forward
from ood_eval.networks.segmenter import Segmenter

View = Callable[[Tensor], Forward]

_BATCH, _HEIGHT, _WIDTH, _WIDTH_OF_FEATURES = 3, 24, 40, 8
_ODD: Final = (23, 37)


def check_detector(make: Callable[[], Detector], name: str = "detector") -> None:
    """Runs a detector on a small seeded network and refuses any breach of the contract.

    Checked: refuses to score unfitted or without what it requires; shape, also of sizes that are no multiple of the
    stride; float32, finite; the same twice, fitted twice too; leaves the shared pass as it was; a batch equals its
    images one by one; survives saving and loading; void labels change nothing.

    Raises:
        DetectorError: which rule is broken.
    """
    try:
        _check(make, name)
    except DetectorError:
        raise
    except Exception as error:  # whatever a stranger's code may raise
        raise DetectorError(f"{name}: breaks with {type(error).__name__}: {error}") from error


def _check(make: Callable[[], Detector], name: str) -> None:
    view = _small_view()
    images, labels = _pictures(view)
    if make().fit_split is not None:
        _must_refuse(make(), view(images), name, "it was never fitted")
    detector = _fitted(make, view, images, labels)
    if needed := make().requires:
        _must_refuse(detector, Forward(_small_segmenter(dropout=0.0), images), name, f"it has no {', '.join(needed)}")
    shared = view(images)
    before = {quantity: value.clone() for quantity, value in _shared(shared).items()}
    scores = detector.score(shared)
    _require(isinstance(scores, Tensor), name, f"scores are {type(scores).__name__}, not a torch.Tensor")
    scores = scores.cpu()
    _require(scores.shape == (_BATCH, _HEIGHT, _WIDTH), name, f"scores have shape {tuple(scores.shape)}, not [B,H,W]")
    _require(scores.dtype == torch.float32, name, f"scores are {scores.dtype}, not float32")
    _require(bool(torch.isfinite(scores).all()), name, "scores hold NaN or infinity")
    for quantity, value in _shared(shared).items():
        _require(torch.equal(value, before[quantity]), name, f"it changes the shared pass ({quantity})")
    _require(torch.equal(detector.score(view(images)).cpu(), scores), name, "a second call differs")
    again = _fitted(make, view, images, labels).score(view(images)).cpu()
    _require(torch.equal(again, scores), name, "fitted again on the same data, it scores otherwise")
    singles = torch.cat([detector.score(view(images[i : i + 1])).cpu() for i in range(_BATCH)])
    close = torch.allclose(singles, scores, rtol=1e-4, atol=1e-4 * float(scores.std()))
    _require(close, name, "a batch differs from its images one by one")
    reloaded = make()
    reloaded.restore(_through_file(detector.state()))
    _require(torch.equal(reloaded.score(view(images)).cpu(), scores), name, "a saved copy differs")
    odd = detector.score(view(images[:, :, : _ODD[0], : _ODD[1]])).shape
    _require(tuple(odd) == (_BATCH, *_ODD), name, f"scores of images of {_ODD} have shape {tuple(odd)}")
    _check_void(make, view, images, labels, name)


def _shared(forward: Forward) -> dict[str, Tensor]:
    """What detectors share of a pass, by name."""
    return {
        "logits": forward.output.logits,
        "features": forward.output.features,
        "log_probabilities": forward.log_probabilities,
        "top values": forward.top[0],
        "top channels": forward.top[1],
        "images": forward.images,
    }


def _check_void(make: Callable[[], Detector], view: View, images: Tensor, labels: Tensor, name: str) -> None:
    """Void pixels must change nothing: either labels are not read, or pixels that are void are skipped.

    The first shows where the same images with all labels void fit the same detector, the second where further images
    with all labels void do.
    """
    if make().fit_split is None:
        return
    scores = _fitted(make, view, images, labels).score(view(images))
    nothing = torch.full_like(labels, VOID)
    more = (torch.cat([images, images.flip(0) // 2]), torch.cat([labels, nothing]))
    if torch.equal(_fitted(make, view, *more).score(view(images)), scores):
        return
    try:
        unread = torch.equal(_fitted(make, view, images, nothing).score(view(images)), scores)
    except (DetectorError, RuntimeError, ValueError, ArithmeticError, LookupError):
        # One that reads labels may refuse to be fitted on none.
        unread = False
    _require(unread, name, "void labels change the scores")


def _fitted(make: Callable[[], Detector], view: View, images: Tensor, labels: Tensor) -> Detector:
    detector = make()
    if detector.fit_split is not None:
        for index in range(len(images)):
            detector.observe(view(images[index : index + 1]), labels[index : index + 1])
        detector.finish()
    return detector


def _must_refuse(detector: Detector, forward: Forward, name: str, lack: str) -> None:
    try:
        detector.score(forward)
    except DetectorError:
        return
    raise DetectorError(f"{name}: scores although {lack}")


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
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, _WIDTH_OF_FEATURES, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(_WIDTH_OF_FEATURES, len(CLASS_NAMES), 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        features = self.features(images)
        return self.classify(features), features, None

    def classify(self, features: Tensor) -> Tensor:
        return 4.0 * cast("Tensor", self.head(features))


def _small_view() -> View:
    """The seeded network with every extra, on any images."""
    segmenter = _small_segmenter(dropout=0.1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        extras = Extras(ConfidenceBranch(_WIDTH_OF_FEATURES).eval(), Autoencoder((4, 8), code=4).eval())
    return lambda images: Forward(segmenter, images, extras)


def _small_segmenter(dropout: float) -> Segmenter:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _SmallNetwork(dropout)
    return Segmenter(network, CLASS_NAMES).eval()


def _pictures(view: View) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    size = (_BATCH, 3, _HEIGHT, _WIDTH)
    images = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    labels = view(images).top[1].to(torch.uint8)
    return images, labels
