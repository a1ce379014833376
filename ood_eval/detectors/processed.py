"""A detector followed by post-processing steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from ood_eval.detectors.detector import Detector, refuse_lacking
from ood_eval.detectors.steps.step import Step
from ood_eval.networks.prediction import Network, Prediction


class Processed(Detector):
    """A detector with steps applied to it one after another; it needs, and keeps, what the detector does.

    Args:
        inner: the detector.
        steps: at least one, in order.

    Raises:
        ConfigError: a step would have no effect on this detector.
    """

    def __init__(self, inner: Detector, steps: Sequence[Step]) -> None:
        self.fit_split, self.trained_part = inner.fit_split, inner.trained_part
        self.reads_labels = inner.reads_labels
        self.baseline = inner.baseline
        super().__init__()
        self.inner, self.steps = inner, tuple(steps)
        self.reads = inner.reads.union(*(step.reads for step in self.steps))
        for step in self.steps:
            step.check(inner)

    @property
    def modules(self) -> tuple[str, ...]:
        """Those of the detector and of its steps."""
        return tuple(dict.fromkeys((*self.inner.modules, *(type(step).__module__ for step in self.steps), __name__)))

    def equip(self, part: nn.Module) -> None:
        """Hands the network on to the detector."""
        self.inner.equip(part)
        super().equip(part)

    def check_network(self, network: Network) -> None:
        """Refuses a network that cannot serve the detector or a step."""
        self.inner.check_network(network)
        for step in self.steps:
            refuse_lacking(step.name(), step.reads - network.gives)

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        """Shows the detector the prediction that it will score from."""
        for step in reversed(self.steps):
            prediction = step.seen(prediction)
        self.inner.observe(prediction, labels)

    def finish(self) -> None:
        """Finishes the detector."""
        self.inner.finish()
        super().finish()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32."""
        score = self.inner.score
        for step in self.steps:
            score = partial(step.score, score)
        return score(prediction)

    def state(self) -> dict[str, Tensor]:
        """The detector's."""
        return self.inner.state()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave."""
        self.inner.restore(state)
        super().finish()
