"""What a protocol counts of images, under its name.

A module of its own, because it imports every protocol, on which other counts do not depend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ood_eval.metrics import make_protocol
from ood_eval.tasks.observations import Scored


class ProtocolCount:
    """A protocol's counts."""

    def __init__(self, name: str) -> None:
        self._protocol = make_protocol(name)

    def update(self, observed: Scored, seconds: float) -> None:  # noqa: ARG002
        """Counts an image."""
        self._protocol.update(observed.scores, observed.item.anomaly, observed.curve)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything counted."""
        return dict(self._protocol.state())

    def add_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Adds what `state` of another instance gave."""
        self._protocol.add_state(dict(arrays))
