"""Whether a frame may be kept: its ground truth must agree with itself."""

from __future__ import annotations

import numpy as np

from hazardsim.frame import Frame
from hazardsim.taxonomy import ANOMALY_TAG, CLASSES

_DARKEST_MEAN = 2.0
_FLATTEST_SPREAD = 2.0


def fault(frame: Frame, min_pixels: int) -> str | None:
    """Why the frame must be left out, or None.

    The anomaly mask comes twice, from the semantic tag and from the instance ids of the spawned models; both must be
    the same set of pixels.
    """
    if int(frame.semantic.max()) >= len(CLASSES):
        return f"semantic tag {int(frame.semantic.max())} is outside the table"
    first = len(frame.scene.actors) + 1
    by_id = (frame.instance >= first) & (frame.instance < first + len(frame.scene.anomalies))
    disagree = int(np.count_nonzero(by_id != (frame.semantic == ANOMALY_TAG)))
    if disagree:
        return f"semantic and instance camera disagree about the anomaly at {disagree} pixels"
    for seen in frame.anomalies:
        if seen.pixels < min_pixels:
            return f"anomaly {seen.asset_id} shows {seen.pixels} pixels, fewer than {min_pixels}"
    if float(frame.rgb.mean()) < _DARKEST_MEAN or float(frame.rgb.std()) < _FLATTEST_SPREAD:
        return "the picture is black or flat"
    return None
