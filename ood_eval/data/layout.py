"""Folders of images and of label maps, and which image belongs to which label map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ood_eval.data.odgt import natural_key
from ood_eval.errors import ConfigError, DataError

_PICTURE: Final = r"\.(?:png|jpg|jpeg|webp|bmp)"
_PREVIEW: Final = "_color"
WAIVER: Final = " (official: false reads it all the same)"


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its label map."""

    id: str
    image: Path
    labels: Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Two patterns without a file ending, relative to a folder; the last `*` is what pairs their files.

    `images/*` with `labels_masks/*_labels_semantic` pairs `images/a.jpg` with `labels_masks/a_labels_semantic.png`.
    Files whose `*` starts with one of `skipped` do not belong to the set.
    """

    images: str
    labels: str
    skipped: tuple[str, ...] = ()


def matching(folder: Path, pattern: str, skipped: tuple[str, ...] = ()) -> dict[str, Path]:
    """Pictures of a pattern by the text of its last `*`, in natural order; colour previews are left out.

    Args:
        folder: what the pattern is relative to.
        pattern: as in `Layout`.
        skipped: what the text of the `*` must not start with.

    Raises:
        DataError: two files stand for one key.
    """
    head, _, tail = pattern.rpartition("/")[2].rpartition("*")
    name = re.compile(f"{re.escape(head.replace('*', ''))}(.+){re.escape(tail)}{_PICTURE}", re.IGNORECASE)
    found: dict[str, Path] = {}
    for path in folder.glob(f"{pattern}.*"):
        match = name.fullmatch(path.name)
        if match is None or path.stem.endswith(_PREVIEW) or path.name.startswith("."):
            continue
        if match[1].startswith(skipped):
            continue
        if match[1] in found:
            raise DataError(f"{path}: stands for the same sample as {found[match[1]]}; keep one of them")
        found[match[1]] = path
    return dict(sorted(found.items(), key=lambda item: natural_key(Path(item[0]))))


def pairs_below(root: Path, homes: Sequence[str], layouts: Sequence[Layout]) -> tuple[Pair, ...]:
    """The pairs of the first layout that has label maps in the first folder that has them.

    Args:
        root: what the user gave.
        homes: folders below it that may hold the set; "" is `root` itself.
        layouts: in order of preference.

    Raises:
        DataError: no layout is there, or an image or a label map has no partner.
    """
    require_folder(root)
    for home in homes:
        for layout in layouts:
            labels = matching(root / home, layout.labels, layout.skipped)
            if labels:
                images = matching(root / home, layout.images, layout.skipped)
                prefix = layout.images.rpartition("/")[2].rpartition("*")[0]
                return pair_up(root / home, images, labels, prefix)
    expected = " or ".join(f"{layout.images} with {layout.labels}" for layout in layouts)
    raise DataError(f"{root}: no label maps found; expected {expected}, here or in {', '.join(filter(None, homes))}")


def pair_up(where: Path, images: Mapping[str, Path], labels: Mapping[str, Path], prefix: str = "") -> tuple[Pair, ...]:
    """One pair for each key, in the order of `labels`.

    Raises:
        DataError: a key is on one side only.
    """
    for missing, what, have in (
        (labels.keys() - images.keys(), "image", labels),
        (images.keys() - labels.keys(), "label map", images),
    ):
        if missing:
            first = min(missing)
            raise DataError(
                f"{where}: {len(missing)} files have no {what}, the first is {have[first].name}; unpack the set again"
            )
    return tuple(Pair(prefix + key, images[key], path) for key, path in labels.items())


def require_folder(root: Path) -> None:
    """Refuses a root that is no folder.

    Raises:
        DataError: it is not.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; `ood_eval data where` says where each set is to be had")


def require_split(benchmark: str, split: str, splits: Iterable[str], hidden: Mapping[str, str] | None = None) -> None:
    """Refuses a split that does not exist, and one whose labels nobody has.

    Args:
        benchmark: its name.
        split: what the user asked for.
        splits: what can be read.
        hidden: splits without public labels, each with the place that scores it.

    Raises:
        ConfigError: the split is unknown.
        DataError: its labels are hidden.
    """
    if hidden is not None and split in hidden:
        known = ", ".join(splits)
        raise DataError(f"{benchmark}: the labels of {split} are not public; submit to {hidden[split]}, or use {known}")
    if split not in splits:
        raise ConfigError(f"{benchmark}: no split {split!r}; choose one of {', '.join(splits)}")


def require_count(benchmark: str, split: str, found: int, want: int, hint: str = WAIVER) -> None:
    """Refuses a split of another size than the published one.

    Raises:
        DataError: the counts differ.
    """
    if found != want:
        raise DataError(
            f"{benchmark}: {found} samples where the {split} split has {want}; the set is incomplete or mixed with "
            f"another{hint}"
        )
