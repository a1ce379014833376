"""What a detector is: a network's prediction in, one score for each pixel or image out."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import READINGS, Network, Prediction, Reading

if TYPE_CHECKING:
    # Of the types alone: what a detector scores does not depend on the code that trains.
    from ood_eval.training.trained_part import TrainedPart

FitSplit = Literal["training", "validation"]


class Detector(ABC):
    """Scores [B,*S] of a `Prediction`: float32, finite, larger = more anomalous, resolved at the anomalous tail.

    A detector says what it `reads` of a prediction, `map` if it makes sense for pixels only; a network that does not
    give that is refused before anything is scored. One that must see data first names the split in `fit_split`; the
    runner then calls `observe` on each batch and `finish` once. One with a network of its own describes it in
    `trained_part`; the runner trains or loads it and hands it over by `equip`, after which it is `part`. One that must
    see data but no class labels of them says so by `reads_labels`, and serves networks of any classes then. Its
    constructor's defaults are its published settings. Its `title` is its name as papers write it; that of its class, if
    not given. A `baseline` asks no network: it is what others are compared with, in a block of its own. Subclasses
    implement `score_map`.
    """

    title: str = ""
    reads: frozenset[Reading] = frozenset({"logits"})
    fit_split: FitSplit | None = None
    trained_part: TrainedPart | None = None
    reads_labels: bool = True
    baseline: bool = False

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        cls.title = cls.__dict__.get("title", cls.__name__)
        _refuse_misread(cls.__name__, cls.__dict__.get("reads", frozenset()))

    def __init__(self) -> None:
        self._ready = self.fit_split is None
        self._part: nn.Module | None = None

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that this detector is made of; results are kept under their code and that of all they import."""
        return (type(self).__module__,)

    @property
    def part(self) -> nn.Module:
        """The detector's own network.

        Raises:
            DetectorError: the network was not handed over by `equip`.
        """
        if self._part is None:
            name = self.trained_part.name if self.trained_part is not None else "network of its own"
            raise DetectorError(f"{type(self).__name__} needs its {name}, which this run has not; see `train_parts`")
        return self._part

    def equip(self, part: nn.Module) -> None:
        """Takes over the network that `trained_part` describes, in evaluation mode on the device of the predictions."""
        self._part = part

    def check_network(self, network: Network) -> None:
        """Refuses a network that cannot serve the detector.

        Raises:
            DetectorError: the network does not give a reading that the detector needs; the message names it.
        """
        refuse_lacking(type(self).__name__, self.reads - network.gives)

    def obstacle(self, network: Network, labelled: Mapping[str, bool]) -> str | None:
        """Why the detector cannot be used; None where it can.

        Args:
            network: that it would score with.
            labelled: for each split at hand, whether its class labels are channels of the network.
        """
        wanted: list[str] = [self.fit_split] if self.fit_split is not None else []
        if self.trained_part is not None:
            wanted += ["training" if self.trained_part.trains_on == "in_distribution" else self.trained_part.trains_on]
        for split in wanted:
            if split not in labelled:
                return f"must see a {split} split, and none is here"
            if self.reads_labels and not labelled[split]:
                return f"must see class labels of the network's own classes, and the {split} split has others"
        try:
            self.check_network(network)
        except DetectorError as error:
            return str(error)
        return None

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: B027
        """Sees one batch of the fit split; `labels` [B,*S] u8 train ids, 255 void."""

    def finish(self) -> None:
        """Turns what was observed into what scoring needs."""
        self._ready = True

    def score(self, prediction: Prediction) -> Tensor:
        """Scores [B,*S] f32.

        Raises:
            DetectorError: the detector needs fitting and has not seen `finish`, or its own network, or something in
                the prediction.
        """
        name = type(self).__name__
        refuse_lacking(name, self.reads - prediction.gives)
        if self.trained_part is not None:
            _ = self.part
        if not self._ready:
            raise DetectorError(f"{name} must see the {self.fit_split} split before it can score; call observe, finish")
        return self.score_map(prediction)

    @abstractmethod
    def score_map(self, prediction: Prediction) -> Tensor:
        """Scores [B,*S] f32 of a ready detector.

        A prediction's values are inference tensors: a network that is run on them, or anything else that autograd would
        follow, goes into `with torch.inference_mode():`; what needs a gradient works on a clone, made outside of it.
        """

    def state(self) -> dict[str, Tensor]:
        """What fitting has found, by name; empty for a detector that needs none."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave.

        Raises:
            DetectorError: a value is missing.
        """
        for name in self.state():
            if name not in state:
                raise DetectorError(f"{type(self).__name__}: the saved state has no {name!r}; fit it again")
            setattr(self, name, state[name])
        self._ready = True


def _refuse_misread(name: str, reads: object) -> None:
    """Refuses what is no set of readings; a property is left to its detector.

    Raises:
        DetectorError: it is no set, or has a word that is no reading.
    """
    if isinstance(reads, property):
        return
    if not isinstance(reads, frozenset):
        raise DetectorError(f'{name}: reads must be a frozenset, as frozenset({{"logits", "map"}}), not {reads!r}')
    for word in sorted(map(str, reads - READINGS.keys())):
        near = difflib.get_close_matches(word, READINGS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise DetectorError(f"{name}: reads: unknown {word!r}; {hint}known are {', '.join(READINGS)}")


def trained_parts(detectors: Iterable[Detector]) -> frozenset[TrainedPart]:
    """The networks that some detectors have of their own."""
    return frozenset(detector.trained_part for detector in detectors if detector.trained_part is not None)


def refuse_lacking(name: str, lacking: frozenset[Reading]) -> None:
    """Refuses to go on without what is lacking.

    Raises:
        DetectorError: a reading is lacking; the message names it.
    """
    if lacking:
        words = " and ".join(READINGS[reading] for reading in READINGS if reading in lacking)
        raise DetectorError(f"{name} reads {words}, which this network does not give")
