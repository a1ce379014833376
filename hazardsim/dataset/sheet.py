"""Contact sheets: rgb | labels | anomaly, one row a frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.dataset.reader import StoredFrame
from hazardsim.taxonomy import STREET_HAZARDS_ANOMALY, STREET_HAZARDS_COLOURS

Picture = NDArray[np.uint8]

_COLOURS = np.array(((0, 0, 0), *STREET_HAZARDS_COLOURS), dtype=np.uint8)
_OUTLINE = (60, 250, 240)
_MARGIN = 4
_CAPTION_HEIGHT = 26


def contact_sheet(frames: Sequence[StoredFrame], width_px: int = 480) -> Picture:
    """[H,W,3] u8: each frame is a caption over three pictures of `width_px`."""
    rows = [_row(frame, width_px) for frame in frames]
    return np.vstack(rows)


def coloured(labels: Picture) -> Picture:
    """Label values [H,W] u8 in StreetHazards' colours, [H,W,3] u8."""
    return _COLOURS[labels]


def outlined(rgb: Picture, labels: Picture) -> Picture:
    """The picture, dimmed where nothing unusual is, with the outline of each anomaly."""
    mask = (labels == STREET_HAZARDS_ANOMALY + 1).astype(np.uint8)
    shown = np.where(mask[..., None] > 0, rgb, rgb // 3).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, rgb.shape[1] // 400)
    cv2.drawContours(shown, contours, -1, _OUTLINE, thickness)
    return shown


def _row(frame: StoredFrame, width_px: int) -> Picture:
    rgb, labels = frame.rgb(), frame.labels()
    height_px = round(width_px * rgb.shape[0] / rgb.shape[1])
    shown = [
        cv2.resize(rgb, (width_px, height_px), interpolation=cv2.INTER_AREA),
        cv2.resize(coloured(labels), (width_px, height_px), interpolation=cv2.INTER_NEAREST),
        cv2.resize(outlined(rgb, labels), (width_px, height_px), interpolation=cv2.INTER_AREA),
    ]
    gap = np.full((height_px, _MARGIN, 3), 255, dtype=np.uint8)
    body = np.hstack([shown[0], gap, shown[1], gap, shown[2]])
    caption = np.full((_CAPTION_HEIGHT, body.shape[1], 3), 255, dtype=np.uint8)
    cv2.putText(caption, _caption(frame), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([caption, body]).astype(np.uint8)


def _caption(frame: StoredFrame) -> str:
    scene = frame.record["scene"]
    seen = [f"{a['category']} {a['distance_m']:.0f} m" for a in frame.record["anomalies"]]
    sun = scene["weather"]["values"][5]
    parts = [f"{frame.split} {frame.number}", scene["town"], f"{scene['weather']['condition']}, sun {sun:.0f} deg"]
    return " | ".join([*parts, ", ".join(seen) or "no anomaly"])
