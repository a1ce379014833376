"""What can be drawn of a view: one row a render pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render import tone_mapping
from hazardsim.server.render.labels import Labels, depth_image, instance_image, semantic_image
from hazardsim.server.renderables import BGRA, PixelFormat


class Seen(Protocol):
    """What is worked out once for all passes of a view, as soon as one asks for it."""

    @property
    def labels(self) -> Labels:
        """What the ray through each pixel's centre meets."""

    @property
    def radiance(self) -> NDArray[np.float32]:
        """Light [H,W,3], denoised, with fog and rain."""


@dataclass(frozen=True, slots=True)
class RenderPass:
    """How a picture is made of what is seen and the camera's attributes, and what its pixels are."""

    draw: Callable[[Seen, Mapping[str, str]], NDArray[Any]]
    format: PixelFormat = BGRA


PASSES: Final[dict[str, RenderPass]] = {
    "rgb": RenderPass(lambda seen, options: tone_mapping.picture(seen.radiance, options)),
    "depth": RenderPass(lambda seen, _: depth_image(seen.labels)),
    "semantic_segmentation": RenderPass(lambda seen, _: semantic_image(seen.labels)),
    "instance_segmentation": RenderPass(lambda seen, _: instance_image(seen.labels)),
}
