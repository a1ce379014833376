"""A detector followed by post-processing steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.steps.step import Step
from ood_eval.networks.forward import Forward


class Processed(Detector):
    """A detector with steps applied to it one after another; it needs, and keeps, what the detector does.

    Args:
        inner: the detector.
        steps: at least one, in order.

    Raises:
        ConfigError: a step would have no effect on this detector.
    """

    def __init__(self, inner: Detector, steps: Sequence[Step]) -> None:
        self.fit_split, self.requires, self.shares_pass = inner.fit_split, inner.requires, inner.shares_pass
        super().__init__()
        self.inner, self.steps = inner, tuple(steps)
        for step in self.steps:
            step.check(inner)

    def observe(self, forward: Forward, labels: Tensor) -> None:
        """Shows the detector the pass that it will score from."""
        for step in reversed(self.steps):
            forward = step.seen(forward)
        self.inner.observe(forward, labels)

    def finish(self) -> None:
        """Finishes the detector."""
        self.inner.finish()
        super().finish()

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32."""
        score = self.inner.score
        for step in self.steps:
            score = partial(step.score, score)
        return score(forward)

    def state(self) -> dict[str, Tensor]:
        """The detector's."""
        return self.inner.state()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave."""
        self.inner.restore(state)
        super().finish()
