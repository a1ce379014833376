"""A sampled line in space, to be read at any distance along it."""

from __future__ import annotations

import numpy as np

from hazardsim.mesh.solid import Floats


class Polyline:
    """A line [N,3] with directions, to be read at any distance along it."""

    def __init__(self, points: Floats) -> None:
        self._points = points
        step = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=1)
        self._run = np.concatenate([[0.0], np.cumsum(np.maximum(step, 1e-9))])

    @property
    def length_m(self) -> float:
        """Length seen from above."""
        return float(self._run[-1])

    def at(self, s: Floats) -> Floats:
        """Points [K,3]."""
        return np.stack([np.interp(s, self._run, self._points[:, k]) for k in range(3)], axis=1)

    def across(self, s: Floats) -> Floats:
        """Unit vectors [K,3] to the left."""
        ahead = self.at(np.minimum(s + 0.3, self.length_m)) - self.at(np.maximum(s - 0.3, 0.0))
        ahead /= np.maximum(np.linalg.norm(ahead[:, :2], axis=1, keepdims=True), 1e-9)
        return np.stack([-ahead[:, 1], ahead[:, 0], np.zeros(len(s))], axis=1)
