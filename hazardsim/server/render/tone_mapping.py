"""From radiance to a picture: exposure that adapts like a camera's, a filmic curve, the sRGB transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.sky import SUNLIT_WHITE

_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
_KEY: Final = 0.25
_DAYLIGHT: Final = 0.30 * SUNLIT_WHITE
"""Log-average of a street at clear noon, in the units of the sky model; measured."""
_ADAPTATION: Final = 0.72
"""How much of a change of light the camera follows, in stops: the rest stays visible, so that dusk is dusk."""
_LIMITS_STOPS: Final = (-1.6, 4.2)


def log_average(radiance: NDArray[np.float32]) -> float:
    """Geometric mean luminance of the middle 90 % of the pixels of [H,W,3]."""
    luminance = np.maximum(radiance @ _LUMA, 1e-5).reshape(-1)
    low, high = np.percentile(luminance, (5, 95))
    return float(np.exp(np.log(np.clip(luminance, low, max(high, low))).mean()))


def exposure(radiance: NDArray[np.float32], options: Mapping[str, str]) -> float:
    """Factor on radiance; `exposure_mode` manual keeps to daylight, `exposure_compensation` adds stops."""
    follow = options.get("exposure_mode", "histogram") != "manual"
    stops = float(np.clip(_ADAPTATION * np.log2(_DAYLIGHT / log_average(radiance)), *_LIMITS_STOPS)) if follow else 0.0
    return float(2.0 ** (stops + _number(options, "exposure_compensation", 0.0))) * _KEY / _DAYLIGHT


def _number(options: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(options.get(name, default))
    except ValueError:
        return default
    return value if np.isfinite(value) else default


def filmic(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Tone curve of [...,3] to 0..1. Source: Narkowicz 2015, fit of the ACES reference rendering transform."""
    x = np.maximum(linear, 0) * 0.95
    return np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)


def srgb_from_linear(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Encode linear values in 0..1 as sRGB. Source: IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def picture(radiance: NDArray[np.float32], options: Mapping[str, str]) -> NDArray[np.uint8]:
    """[H,W,4] BGRA of linear radiance [H,W,3]; `gamma` other than 2.2 brightens or darkens the middle."""
    exposed = (radiance * exposure(radiance, options)).astype(np.float32)
    # A camera's colour matrix: bright colours lose saturation instead of clipping one channel.
    grey = (exposed @ _LUMA)[..., None]
    excess = np.clip(grey - 0.8, 0, 4) / 4
    display = srgb_from_linear(filmic((exposed * (1 - 0.3 * excess) + grey * 0.3 * excess).astype(np.float32)))
    gamma = _number(options, "gamma", 2.2)
    if gamma > 0 and gamma != 2.2:
        display = display ** (2.2 / gamma)
    byte = np.clip(np.rint(display * 255), 0, 255).astype(np.uint8)
    return np.dstack([byte[..., ::-1], np.full(byte.shape[:2], 255, dtype=np.uint8)])
