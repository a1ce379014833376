"""Label policies of StreetHazards: which raw ids train, which are anomalies, and which pixels are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID
from ood_eval.errors import ConfigError, DataError

PolicyName = Literal["keep_all", "ignore_other", "ignore_unlabeled_and_other"]

# Source: label table of the public StreetHazards files; raw value of the PNG = position + 1.
CLASS_NAMES: Final = (
    "unlabeled",
    "building",
    "fence",
    "other",
    "pedestrian",
    "pole",
    "road line",
    "road",
    "sidewalk",
    "vegetation",
    "car",
    "wall",
    "traffic sign",
)
RAW_UNLABELED: Final = 1
RAW_OTHER: Final = 4
RAW_ANOMALY: Final = len(CLASS_NAMES) + 1

_DROPPED: Final[dict[PolicyName, tuple[int, ...]]] = {
    "keep_all": (),
    "ignore_other": (RAW_OTHER,),
    "ignore_unlabeled_and_other": (RAW_UNLABELED, RAW_OTHER),
}


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """What becomes of each raw id: `keep_all` as CAOS, `ignore_other` as DenseHybrid, the third as Mask2Anomaly.

    Raises:
        ConfigError: the name is not one of the three.
    """

    name: PolicyName = "keep_all"

    def __post_init__(self) -> None:
        if self.name not in _DROPPED:
            raise ConfigError(f"unknown label policy {self.name!r}; choose one of {', '.join(get_args(PolicyName))}")

    @property
    def dropped_raw_ids(self) -> tuple[int, ...]:
        """Raw ids whose pixels neither train nor count."""
        return _DROPPED[self.name]

    def train_ids(self, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Train ids [H,W] 0..12 of raw labels; anomalies and dropped ids are 255."""
        table = np.full(256, VOID, dtype=np.uint8)
        table[1:RAW_ANOMALY] = np.arange(len(CLASS_NAMES), dtype=np.uint8)
        table[list(self.dropped_raw_ids)] = VOID
        return table[raw]

    def anomaly(self, raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Anomaly map [H,W] of raw labels: 0 known, 1 anomaly, 255 dropped."""
        table = np.full(256, KNOWN, dtype=np.uint8)
        table[RAW_ANOMALY] = ANOMALY
        table[list(self.dropped_raw_ids)] = VOID
        return table[raw]


def check_raw_labels(raw: NDArray[np.uint8], where: str, *, anomalies_allowed: bool) -> None:
    """Refuses a label map with an id outside the table.

    Raises:
        DataError: an id is not in 1..14, or is 14 where a split must not hold anomalies.
    """
    highest = RAW_ANOMALY if anomalies_allowed else RAW_ANOMALY - 1
    lowest_found, highest_found = int(raw.min()), int(raw.max())
    if lowest_found >= 1 and highest_found <= highest:
        return
    wrong = lowest_found if lowest_found < 1 else highest_found
    if wrong == RAW_ANOMALY:
        raise DataError(f"{where}: holds the anomaly id {RAW_ANOMALY}, which a training split must not")
    raise DataError(f"{where}: label id {wrong} is outside the StreetHazards table 1..{highest}")
