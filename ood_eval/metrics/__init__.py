"""Pixel metrics under named protocols."""

from typing import Final

from ood_eval.errors import ConfigError
from ood_eval.metrics.caos import Caos
from ood_eval.metrics.confusion import Confusion
from ood_eval.metrics.curve import RankingCurve, ranking_curve
from ood_eval.metrics.dataset import Dataset
from ood_eval.metrics.histogram import Bracket, ScoreHistogram
from ood_eval.metrics.protocol import Number, RankingProtocol

PROTOCOLS: Final[dict[str, type[RankingProtocol]]] = {"caos": Caos, "dataset": Dataset}


def make_protocol(name: str) -> RankingProtocol:
    """A fresh protocol of a name.

    Raises:
        ConfigError: no protocol has this name.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {name!r}; known are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]()


__all__ = [
    "PROTOCOLS",
    "Bracket",
    "Caos",
    "Confusion",
    "Dataset",
    "Number",
    "RankingCurve",
    "RankingProtocol",
    "ScoreHistogram",
    "make_protocol",
    "ranking_curve",
]
