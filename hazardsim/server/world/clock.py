"""The simulation's own time: frame numbers, which never go back, and seconds, which start anew with each episode.

A client gives the step of a frame in its episode settings; without one, a frame is as long as it took on the wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hazardsim.server.protocol.payloads import Timestamp
from hazardsim.server.protocol.structs import EpisodeSettings

FREE_RUN_SECONDS: Final = 0.05
"""How often an asynchronous server ticks by itself."""


@dataclass(slots=True)
class Clock:
    """The frame counter never goes back; the seconds start anew with each episode."""

    settings: EpisodeSettings
    frame: int = 0
    seconds: float = 0.0
    delta_s: float = 0.0

    def timestamp(self) -> Timestamp:
        """Now."""
        return Timestamp(self.frame, self.seconds)

    def advance(self, wall_s: float) -> None:
        """One frame further: by the fixed step, or by the time that went by on the wall."""
        step = self.settings.fixed_delta_seconds
        self.delta_s = step if step is not None and step > 0.0 else wall_s
        self.frame += 1
        self.seconds += self.delta_s

    def begin_episode(self) -> None:
        """Start counting seconds again."""
        self.seconds = 0.0
        self.delta_s = 0.0
