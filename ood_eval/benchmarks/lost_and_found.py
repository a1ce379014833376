"""Lost and Found: small things on the road, with both opinions on the harmless ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_args

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.layout import Layout, Pair, pairs_below, require_count, require_split
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID
from ood_eval.errors import ConfigError, DataError

NonHazardPolicy = Literal["non_hazards_void", "non_hazards_anomaly"]

# Source: label table of the set. 0 background and other ignored pixels, 1 free road, 2..43 objects; of these the
# "random non-hazards" (marker pole, posts, post stand, timber, wheel cap, wood) have train id 0, which does not count.
NON_HAZARDS: Final = (31, 33, 34, 36, 37, 38, 39)
_LARGEST_ID: Final = 43
_OBJECTS: Final = {0: VOID, 1: KNOWN} | dict.fromkeys(range(2, _LARGEST_ID + 1), ANOMALY) | {255: VOID}
_VALUES: Final[dict[str, dict[int, int]]] = {
    "non_hazards_anomaly": _OBJECTS,
    "non_hazards_void": _OBJECTS | dict.fromkeys(NON_HAZARDS, VOID),
}
_TRAIN_ID_VALUES: Final = {0: VOID, 1: KNOWN, 2: ANOMALY, 255: VOID}

_FOLDER: Final = {"training": "train", "training_valid": "train"}
_HOMES: Final = ("", "lost_and_found", "LostAndFound", "dataset_LostAndFound")
# Source: road-anomaly-benchmark. Positions, in the order of their names, of frames whose label map is empty; and the
# beginnings of the names of frames that show children and bicycles, which a segmenter of Cityscapes knows.
_EMPTY: Final = {
    "training": (44, 67, 88, 109, 131, 614),
    "test": (17, 37, 55, 72, 91, 110, 129, 153, 174, 197, 218, 353, 490, 618, 686, 792, 793),
}
_KNOWN: Final = (
    "15_Rechbergstr_Deckenpfronn",
    "01_Hanns_Klemm_Str_45_000006",
    "01_Hanns_Klemm_Str_45_000007",
    "10_Schlossberg_9_000004",
)
_OFFICIAL_COUNTS: Final = {
    "training": 1036,
    "training_valid": 1030,
    "test": 1203,
    "test_valid": 1186,
    "test_no_known": 1043,
}


class LostAndFound(MaskedImages):
    """A split of Lost and Found; what lies off the annotated road is void.

    Layout: `leftImg8bit/{train,test}/<sequence>/<stem>_leftImg8bit.png` with
    `gtCoarse/{train,test}/<sequence>/<stem>_gtCoarse_labelIds.png` or `..._labelTrainIds.png`.

    Args:
        root: folder with `leftImg8bit` and `gtCoarse`.
        split: `training` or `test`; `training_valid` and `test_valid` are without the frames whose label map is empty,
            `test_no_known` also without those of children and bicycles, as SegmentMeIfYouCan defines them.
        policy: `non_hazards_void` as in the set's own train ids, `non_hazards_anomaly` as in SegmentMeIfYouCan and
            Mask2Anomaly, which take every object.
        official: False allows other counts than the published ones.

    Source: Pinggera et al. 2016 (https://arxiv.org/abs/1609.04653).

    Raises:
        ConfigError: the split or the policy is unknown.
        DataError: the set is incomplete, a count differs, or only train ids are there and the policy needs ids.
    """

    splits: ClassVar[tuple[str, ...]] = tuple(_OFFICIAL_COUNTS)
    scored: ClassVar[str | None] = "test"

    def __init__(
        self, root: Path, split: str, *, policy: NonHazardPolicy = "non_hazards_void", official: bool = True
    ) -> None:
        require_split("lost_and_found", split, self.splits)
        if policy not in _VALUES:
            raise ConfigError(
                f"lost_and_found: no policy {policy!r}; choose one of {', '.join(get_args(NonHazardPolicy))}"
            )
        folder = _FOLDER.get(split, "test")
        images = f"leftImg8bit/{folder}/*/*_leftImg8bit"
        layouts = [Layout(images, f"gtCoarse/{folder}/*/*_gtCoarse_{kind}") for kind in ("labelIds", "labelTrainIds")]
        pairs = pairs_below(root, _HOMES, layouts)
        values = _VALUES[policy]
        if pairs[0].labels.stem.endswith("TrainIds"):
            if policy == "non_hazards_anomaly":
                raise DataError(f"{root}: only labelTrainIds are there; policy {policy} needs gtCoarse labelIds")
            values = _TRAIN_ID_VALUES
        super().__init__("lost_and_found", _of_split(pairs, split), values)
        self.policy = policy
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNTS[split])

    def attributes(self, index: int) -> Mapping[str, Any]:
        """The sequence, as the scene."""
        return {"scene": self.pairs[index].image.parent.name}


def _of_split(pairs: tuple[Pair, ...], split: str) -> tuple[Pair, ...]:
    base = split.partition("_")[0]
    if split == base:
        return pairs
    hint = f"; {split} is defined on the whole set only"
    require_count("lost_and_found", base, len(pairs), _OFFICIAL_COUNTS[base], hint)
    by_name = sorted(pairs, key=lambda pair: pair.id)
    valid = [pair for position, pair in enumerate(by_name) if position not in _EMPTY[base]]
    if split == "test_no_known":
        valid = [pair for pair in valid if not pair.id.startswith(_KNOWN)]
    return tuple(valid)


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    LostAndFound,
    site="http://www.6d-vision.com/lostandfounddataset: leftImg8bit.zip and gtCoarse.zip",
    terms="free for research; the host is often down",
    size="5.8 GB",
    folders=("LostAndFound", "dataset_LostAndFound", "lostandfound"),
)
