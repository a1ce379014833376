"""What frames can come from: a simulator today, anything that makes pictures and labels of a scene tomorrow."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from hazardsim.frame import Frame
from hazardsim.scenario.scene import Scene
from hazardsim.scenario.surroundings import Surroundings


class FrameSource(Protocol):
    """One town, ready for pictures."""

    @property
    def surroundings(self) -> Surroundings:
        """What sampling needs to know of the town."""

    def capture(self, scene: Scene) -> Callable[[], Frame]:
        """Begin to take the pictures of a scene and return; the call that comes back brings the frame, in any thread.

        That call is made once a scene, in the order of the scenes, and may wait and raise what `capture` may.

        Raises:
            PlacementError: the scene cannot be put up; it is left out.
            ServerLostError: the source broke off; a new one may finish the work.
            HazardsimError: the source is unusable for any scene; a new one would fail, too.
        """


OpenSource = Callable[[str], AbstractContextManager[FrameSource]]
"""Opens the source of a town by the town's name."""
