"""Open Image Denoise on radiance, guided by albedo and normal."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError


def denoised(
    radiance: NDArray[np.float32], albedo: NDArray[np.float32], normal: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Smooth radiance [H,W,3]; equal input gives equal bytes.

    Raises:
        RenderError: mitsuba-oidn is not installed.
    """
    try:
        import mitsuba_oidn as oidn
    except ImportError as error:
        raise RenderError("denoising needs mitsuba-oidn: `pip install mitsuba-oidn`, or render without it") from error
    inputs = [np.ascontiguousarray(a, dtype=np.float32) for a in (radiance, albedo, normal)]
    out = oidn.denoise(*inputs, hdr=True, clean_aux=False, quality=oidn.Quality.High)
    return cast("NDArray[np.float32]", np.maximum(np.array(out, dtype=np.float32), 0))
