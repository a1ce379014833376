"""The contract of detectors as a check that anyone can run on their own."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor

from ood_eval.datasets.sample import VOID
from ood_eval.detectors.check_training import check_training
from ood_eval.detectors.detector import Detector
from ood_eval.detectors.guard import breach
from ood_eval.detectors.small_networks import Veiled, small_classifier, small_segmenter
from ood_eval.errors import DetectorError, in_one_line
from ood_eval.networks.prediction import Prediction, Reading, Source
from ood_eval.networks.segmenter import Segmenter

Forward = Callable[[Tensor], Prediction]

_BATCH, _HEIGHT, _WIDTH = 3, 24, 40
_ODD: Final = (23, 37)


def check_detector(make: Callable[[], Detector], name: str = "detector") -> None:
    """Runs a detector on small seeded networks and refuses any breach of the contract.

    Checked on a segmenter, and on a classifier of whole images unless the detector reads `map`: refuses to score
    unfitted, without its own network or without what it reads; reads nothing else; shape, also of sizes that are no
    multiple of the stride; float32, finite, no gradient; the same twice, fitted twice too; leaves what is shared and
    the network as they were; a batch equals its images one by one; survives saving and loading; void labels change
    nothing. A network of its own takes a step of training and comes back whole from its file.

    Raises:
        DetectorError: which rule is broken.
    """
    try:
        part = make().trained_part
        if part is not None:
            check_training(part, name)
        _check(make, name, small_segmenter())
    except DetectorError:
        raise
    except Exception as error:  # whatever a stranger's code may raise
        inference = "; score within torch.inference_mode()" if "Inference tensors" in str(error) else ""
        raise DetectorError(f"{name}: breaks with {in_one_line(error)}{inference}") from error
    if "map" in make().reads:
        return
    try:
        _check(make, f"{name} of whole images", small_classifier())
    except Exception as error:  # as above
        told = str(error) if isinstance(error, DetectorError) else f"{name}: breaks with {in_one_line(error)}"
        raise DetectorError(f'{told}; if it makes sense for pixels only, add "map" to what it reads') from error


def _check(make: Callable[[], Detector], name: str, network: Segmenter) -> None:
    def equipped() -> Detector:
        return _equipped(make(), network)

    def forward(images: Tensor) -> Prediction:
        return Prediction.of(network, images)

    images = torch.randint(
        0, 256, (_BATCH, 3, _HEIGHT, _WIDTH), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    labels = forward(images).top[1].to(torch.uint8)
    _check_refusals(make, equipped, forward, images, labels, name)
    detector = _fitted(equipped, forward, images, labels)
    shared = forward(images)
    before = {quantity: value.clone() for quantity, value in _shared(shared).items()}
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    scores = detector.score(shared)
    wrong = breach(scores, (_BATCH, *shared.size))
    _require(not wrong, name, wrong)
    _require(not scores.requires_grad, name, "scores keep a gradient; score within torch.inference_mode()")
    scores = scores.cpu()
    for quantity, value in _shared(shared).items():
        _require(torch.equal(value, before[quantity]), name, f"it changes what is shared ({quantity})")
    for key, value in network.state_dict().items():
        _require(torch.equal(value, weights[key]), name, f"it changes the network ({key})")
    _require(not network.training, name, "it leaves the network in training mode")
    _require(torch.equal(detector.score(forward(images)).cpu(), scores), name, "a second call differs")
    again = _fitted(equipped, forward, images, labels).score(forward(images)).cpu()
    _require(torch.equal(again, scores), name, "fitted again on the same data, it scores otherwise")
    singles = torch.cat([detector.score(forward(images[i : i + 1])).cpu() for i in range(_BATCH)])
    close = torch.allclose(singles, scores, rtol=1e-4, atol=1e-4 * float(scores.std()))
    _require(close, name, "a batch differs from its images one by one")
    reloaded = equipped()
    reloaded.restore(_through_file(detector.state()))
    _require(torch.equal(reloaded.score(forward(images)).cpu(), scores), name, "a saved copy differs")
    odd = forward(images[:, :, : _ODD[0], : _ODD[1]])
    found = tuple(detector.score(odd).shape)
    _require(found == (_BATCH, *odd.size), name, f"scores of images of {_ODD} have shape {found}")
    _check_reads(equipped, forward, images, labels, name, scores)
    _check_void(equipped, forward, images, labels, name)


def _check_refusals(
    make: Callable[[], Detector],
    equipped: Callable[[], Detector],
    forward: Forward,
    images: Tensor,
    labels: Tensor,
    name: str,
) -> None:
    """What lacks fitting, its own network, or a reading must not score."""
    if make().fit_split is not None:
        _must_refuse(equipped(), forward(images), name, "it was never fitted")
    part = make().trained_part
    if part is not None:
        _must_refuse(make(), forward(images), name, f"it has no {part.name}")
    detector = _fitted(equipped, forward, images, labels)
    for reading in sorted(detector.reads - {"logits", "map"}):
        lacking = _withheld(forward(images), detector.reads - {reading})
        _must_refuse(detector, lacking, name, f"the prediction withholds {reading}")


def _check_reads(
    equipped: Callable[[], Detector], forward: Forward, images: Tensor, labels: Tensor, name: str, scores: Tensor
) -> None:
    """A detector must score alike when it sees nothing but what it says it reads."""
    reads = equipped().reads

    def narrow(images: Tensor) -> Prediction:
        return _withheld(forward(images), reads)

    try:
        found = _fitted(equipped, narrow, images, labels).score(narrow(images)).cpu()
    except Exception as error:  # whatever a stranger's code may raise
        raise DetectorError(f"{name}: reads more than {', '.join(sorted(reads))}: {in_one_line(error)}") from error
    _require(torch.equal(found, scores), name, f"it reads more than {', '.join(sorted(reads))}")


def _withheld(prediction: Prediction, reads: frozenset[Reading]) -> Prediction:
    """The same prediction without anything but `reads`."""
    source = prediction.source
    if source is not None and "network" not in reads:
        source = Source(source.images, Veiled(source.network))
    return dataclasses.replace(
        prediction,
        logits=prediction.logits if "logits" in reads else torch.zeros_like(prediction.logits),
        features=prediction.features if "features" in reads else prediction.features[:, :0],
        queries=prediction.queries if "queries" in reads else None,
        source=source if "images" in reads else None,
    )


def _shared(prediction: Prediction) -> dict[str, Tensor]:
    """What detectors share of a prediction, by name."""
    return {
        "logits": prediction.logits,
        "features": prediction.features,
        "log_probabilities": prediction.log_probabilities,
        "softmax": torch.stack([prediction.softmax.log_sum, prediction.softmax.others, prediction.softmax.entropy]),
        "highest logits": prediction.highest,
        "top values": prediction.top[0],
        "top channels": prediction.top[1],
        "images": prediction.images,
    }


def _check_void(equipped: Callable[[], Detector], forward: Forward, images: Tensor, labels: Tensor, name: str) -> None:
    """Void labels must change nothing: either labels are not read, or what is void is skipped.

    The first shows where the same images with all labels void fit the same detector, the second where further images
    with all labels void do.
    """
    if equipped().fit_split is None:
        return
    scores = _fitted(equipped, forward, images, labels).score(forward(images))
    nothing = torch.full_like(labels, VOID)
    more = (torch.cat([images, images.flip(0) // 2]), torch.cat([labels, nothing]))
    if torch.equal(_fitted(equipped, forward, *more).score(forward(images)), scores):
        return
    try:
        unread = torch.equal(_fitted(equipped, forward, images, nothing).score(forward(images)), scores)
    except (DetectorError, RuntimeError, ValueError, ArithmeticError, LookupError):
        # One that reads labels may refuse to be fitted on none.
        unread = False
    _require(unread, name, "void labels change the scores")


def _equipped(detector: Detector, network: Segmenter) -> Detector:
    """The detector with a seeded, untrained network of its own where it has one."""
    part = detector.trained_part
    if part is not None:
        given: dict[str, Any] = {"segmenter": network} if part.uses_segmenter else {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            detector.equip(part.network(**part.arguments(**given)).eval())
    return detector


def _fitted(equipped: Callable[[], Detector], forward: Forward, images: Tensor, labels: Tensor) -> Detector:
    detector = equipped()
    if detector.fit_split is not None:
        for index in range(len(images)):
            detector.observe(forward(images[index : index + 1]), labels[index : index + 1])
        detector.finish()
    return detector


def _must_refuse(detector: Detector, prediction: Prediction, name: str, lack: str) -> None:
    try:
        detector.score(prediction)
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
