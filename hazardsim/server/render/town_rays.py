"""Single rays through a town in any thread, also while pictures of it are drawn.

Mitsuba's scalar variant asks Embree and nothing else: no kernel is compiled, and none waits behind a picture's. It
finds the very hits of the vectorised LLVM variant, which asks the same Embree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.instances import Geometry, Instance, InstanceTree, LoadedModel, ModelBuffers
from hazardsim.server.render.raycast import cast_ray
from hazardsim.server.render.variant import scalar_meanwhile
from hazardsim.server.renderables import Hit


class TownRays:
    """A town's instances as single rays meet them; made while nobody draws, see `scalar_meanwhile`."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        buffers = ModelBuffers(vectorised=False)
        models: dict[int, LoadedModel] = {}
        own = []
        with scalar_meanwhile():
            for instance in instances:
                number = id(instance.model)
                if number not in models:
                    models[number] = buffers.add(instance.model.triangles)
                own.append(Instance(models[number], instance.pose, instance.object_id))
            self._geometry = Geometry((InstanceTree(own),), buffers, vectorised=False)
        if models:
            _ = buffers.tag, buffers.object_id  # joined now: later on several threads ask

    def cast(self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float) -> list[Hit]:
        """Everything on a ray [3], [3] (unit) up to `reach_m`, nearest first."""
        return cast_ray(self._geometry, origin, direction, reach_m)
