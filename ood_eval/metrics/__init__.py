"""Pixel and component metrics under named protocols."""

from typing import Final

from ood_eval.errors import ConfigError
from ood_eval.metrics.binned import BinnedRanking, Bracket
from ood_eval.metrics.caos import Caos
from ood_eval.metrics.chance import chance_numbers
from ood_eval.metrics.components import TRACKS, Components, Track
from ood_eval.metrics.confusion import Confusion
from ood_eval.metrics.curve import RankingCurve, ranking_curve
from ood_eval.metrics.dataset import Dataset
from ood_eval.metrics.edge_counts import EdgeCounts
from ood_eval.metrics.exact_sum import ExactSum
from ood_eval.metrics.histogram import ScoreHistogram
from ood_eval.metrics.open_set import OPEN, OPEN_WORDS, OpenConfusion, open_miou
from ood_eval.metrics.pooled import Fishyscapes, Interp, Rba
from ood_eval.metrics.protocol import USUAL, Metric, Number, RankingProtocol, ScoredImage
from ood_eval.metrics.pytorch_ood import PytorchOod
from ood_eval.metrics.smiyc import Smiyc
from ood_eval.metrics.thresholds import OperatingPoint, above_recall_point, best_f1_point, recall_point

PROTOCOLS: Final[dict[str, type[RankingProtocol]]] = {
    "caos": Caos,
    "dataset": Dataset,
    "smiyc": Smiyc,
    "fishyscapes": Fishyscapes,
    "rba": Rba,
    "interp": Interp,
    "pytorch_ood": PytorchOod,
}


def make_protocol(name: str) -> RankingProtocol:
    """A fresh protocol of a name.

    Raises:
        ConfigError: no protocol has this name.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {name!r}; known are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]()


def counting_protocol(counts_as: str) -> str:
    """The first protocol that counts in this way; protocols with equal `counts_as` share their counts."""
    return next(name for name, kind in PROTOCOLS.items() if kind.counts_as == counts_as)


__all__ = [
    "OPEN",
    "OPEN_WORDS",
    "PROTOCOLS",
    "TRACKS",
    "USUAL",
    "BinnedRanking",
    "Bracket",
    "Caos",
    "Components",
    "Confusion",
    "Dataset",
    "EdgeCounts",
    "ExactSum",
    "Fishyscapes",
    "Interp",
    "Metric",
    "Number",
    "OpenConfusion",
    "OperatingPoint",
    "PytorchOod",
    "RankingCurve",
    "RankingProtocol",
    "Rba",
    "ScoreHistogram",
    "ScoredImage",
    "Smiyc",
    "Track",
    "above_recall_point",
    "best_f1_point",
    "chance_numbers",
    "counting_protocol",
    "make_protocol",
    "open_miou",
    "ranking_curve",
    "recall_point",
]
