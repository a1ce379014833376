"""Running somebody's detector: whatever it does wrong becomes one line that names it, and harms no other."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError, OodEvalError, in_one_line
from ood_eval.networks.prediction import Prediction


@contextlib.contextmanager
def blamed(label: str, doing: str) -> Iterator[None]:
    """Names the detector in whatever is raised within.

    Args:
        label: of the detector.
        doing: where or when, as `on IMAGE`.

    Raises:
        DetectorError: something was raised; the message tells what, and the file and line if it was no error of ours.
    """
    try:
        yield
    except OodEvalError as error:
        raise DetectorError(f"{label} {doing}: {error}") from error
    except Exception as error:  # whatever a stranger's code may raise
        hint = "; score within torch.inference_mode()" if "Inference tensors" in str(error) else ""
        raise DetectorError(f"{label} {doing}: breaks with {in_one_line(error)}{hint}") from error


def guarded_scores(detector: Detector, label: str, prediction: Prediction, image: str) -> NDArray[np.float32]:
    """A detector's scores of a prediction of one image, [*S] f32.

    One from outside this package is given a copy, so that it can change nothing that the others read; what it returns
    with a gradient is cut off from it.

    Args:
        detector: ready.
        label: of the detector, for messages.
        prediction: of one image.
        image: its name, for messages.

    Raises:
        DetectorError: the detector raises, or its scores break the contract; the message names it and the image.
    """
    with blamed(label, f"on {image}"):
        scores = detector.score(prediction if _is_ours(detector) else copied(prediction))
        wrong = breach(scores, (1, *prediction.size))
        if wrong:
            raise DetectorError(wrong)
        found: NDArray[np.float32] = scores[0].detach().cpu().numpy()
    return found


def guarded_observe(detector: Detector, label: str, prediction: Prediction, labels: Tensor, image: str) -> None:
    """Shows a detector one image of its fit split; one from outside this package sees copies.

    Raises:
        DetectorError: the detector raises; the message names it and the image.
    """
    with blamed(label, f"fitting on {image}"):
        if _is_ours(detector):
            detector.observe(prediction, labels)
        else:
            detector.observe(copied(prediction), labels.clone())


def breach(scores: object, shape: tuple[int, ...]) -> str:
    """What about scores breaks the contract of detectors, and what to do; empty if they keep it."""
    if not isinstance(scores, Tensor):
        hint = "; return torch.from_numpy(scores)" if isinstance(scores, np.ndarray) else ""
        return f"scores are {type(scores).__name__}, not a torch.Tensor{hint}"
    if tuple(scores.shape) != shape:
        return f"scores have shape {tuple(scores.shape)}, not {shape}"
    if scores.dtype != torch.float32:
        return f"scores are {str(scores.dtype).removeprefix('torch.')}, not float32; return scores.float()"
    wrong = scores.numel() - int(torch.isfinite(scores).sum())
    return f"scores hold NaN or infinity, in {wrong} of {scores.numel()} places" if wrong else ""


def copied(prediction: Prediction) -> Prediction:
    """The same values in memory of their own, with nothing of what others have derived from them."""
    queries, source = prediction.queries, prediction.source
    if queries is not None:
        queries = dataclasses.replace(queries, classes=queries.classes.clone(), masks=queries.masks.clone())
    if source is not None:
        source = dataclasses.replace(source, images=source.images.clone(), views={})
    return dataclasses.replace(
        prediction,
        logits=prediction.logits.clone(),
        features=prediction.features.clone(),
        queries=queries,
        source=source,
    )


def _is_ours(detector: Detector) -> bool:
    return all(module.partition(".")[0] == "ood_eval" for module in detector.modules)
