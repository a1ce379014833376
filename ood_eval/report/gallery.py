"""Kept frames as a page carries them: small pictures, score maps of 256 levels, counts per level."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ood_eval.datasets.sample import ANOMALY, VOID
from ood_eval.tasks.gallery import GalleryFrame, load_frame

# A step of the slider changes the share of flagged pixels by the same factor, from all of them to 1 in 100,000.
_STEPS: Final = 240
_LEAST_SHARE: Final = 1e-5
_SAMPLED: Final = 120_000
_JPEG_QUALITY: Final = 82
_WIDEST_PX: Final = 640


@dataclass(frozen=True, slots=True)
class Levels:
    """Thresholds [L] f32 of one detector, ascending and distinct, L <= 255.

    The level of a score is how many thresholds it reaches, 0..L; a pixel is flagged at step k where its level is >= k.
    """

    thresholds: NDArray[np.float32]

    def of(self, scores: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Levels [H,W] u8 of scores [H,W]; any two scores keep their order or become equal."""
        return np.searchsorted(self.thresholds, scores, side="right").astype(np.uint8)

    def step_at(self, threshold: float) -> int:
        """The step whose threshold is the nearest at or below a score, at least 1."""
        return max(int(np.searchsorted(self.thresholds, np.float32(threshold), side="right")), 1)


def levels_of(sampled: NDArray[np.float32], marks: Sequence[float] = ()) -> Levels:
    """Levels that are even in the logarithm of the share of pixels they flag, with the marks among them exactly.

    Args:
        sampled: finite scores [N] f32, N >= 1, of the frames to be shown.
        marks: thresholds that must be hit exactly, at most 15.
    """
    shares = np.geomspace(1.0, _LEAST_SHARE, _STEPS)
    ordered = np.sort(sampled)
    places = np.clip(np.floor((1.0 - shares) * ordered.size).astype(np.int64), 0, ordered.size - 1)
    wanted = [np.float32(mark) for mark in marks if np.isfinite(mark)]
    return Levels(np.unique(np.concatenate([ordered[places], np.array(wanted, dtype=np.float32)])))


def gallery_payload(
    paths: Sequence[Path],
    detectors: Sequence[tuple[str, str]],
    marks: Mapping[str, Sequence[tuple[str, float]]],
    captions: Mapping[str, str],
) -> dict[str, Any]:
    """Frames and levels of the detectors as a JSON value, for the page's own script.

    Two passes over the files, one frame in memory at a time: the first finds the levels, the second draws.

    Args:
        paths: of frames that `save_frame` wrote; at least one.
        detectors: name and title; a frame without a score map of one leaves that out.
        marks: named thresholds by detector, as "best F1".
        captions: what is known of an image, by its id.

    Raises:
        ResultError: a frame's file is damaged.
    """
    samples: dict[str, list[NDArray[np.float32]]] = {name: [] for name, _ in detectors}
    share = max(_SAMPLED // len(paths), 1)
    for path in paths:
        for name, scores in load_frame(path).scores.items():
            if name in samples:
                samples[name].append(_sampled(scores.reshape(-1), share))
    levels = {
        name: levels_of(np.concatenate(parts), [value for _, value in marks.get(name, ())])
        for name, parts in samples.items()
        if parts
    }
    return {
        "detectors": [
            {
                "name": name,
                "title": title,
                "thresholds": [float(f"{value:.6g}") for value in levels[name].thresholds],
                "marks": [
                    {"title": mark, "step": levels[name].step_at(value)}
                    for mark, value in marks.get(name, ())
                    if np.isfinite(value)
                ],
            }
            for name, title in detectors
            if name in levels
        ],
        "frames": [_frame(load_frame(path), levels, captions) for path in paths],
    }


def _sampled(scores: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    """Evenly spread scores, and the very highest, which an even choice would miss."""
    step = max(scores.size // wanted, 1)
    return np.concatenate([scores[::step], scores.max(keepdims=True)])


def _frame(frame: GalleryFrame, levels: Mapping[str, Levels], captions: Mapping[str, str]) -> dict[str, Any]:
    step = -(-frame.image.shape[1] // _WIDEST_PX)
    thin = (slice(None, None, step), slice(None, None, step))
    truth = np.ascontiguousarray(frame.anomaly[thin])
    maps, counts = {}, {}
    for name, table in levels.items():
        if name in frame.scores:
            codes = table.of(np.ascontiguousarray(frame.scores[name][thin]))
            maps[name] = _data_url(codes, "PNG")
            length = table.thresholds.size + 1
            counts[name] = {
                "known": np.bincount(codes[(truth != ANOMALY) & (truth != VOID)], minlength=length).tolist(),
                "anomaly": np.bincount(codes[truth == ANOMALY], minlength=length).tolist(),
            }
    return {
        "id": frame.id,
        "caption": captions.get(frame.id, ""),
        "width": truth.shape[1],
        "height": truth.shape[0],
        "image": _data_url(np.ascontiguousarray(frame.image[thin]), "JPEG"),
        "truth": _data_url(truth, "PNG"),
        "maps": maps,
        "counts": counts,
    }


def _data_url(pixels: NDArray[np.uint8], kind: str) -> str:
    stream = io.BytesIO()
    options: dict[str, Any] = {"quality": _JPEG_QUALITY} if kind == "JPEG" else {"compress_level": 7}
    Image.fromarray(pixels).save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
