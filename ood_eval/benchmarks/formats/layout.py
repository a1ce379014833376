"""Folders of images and of label maps, and which image belongs to which label map."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ood_eval.benchmarks.formats.odgt import natural_key
from ood_eval.errors import ConfigError, DataError

PICTURE: Final = r"\.(?:png|jpg|jpeg|webp|bmp|tif|tiff)"
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
    """Two patterns without a file ending, relative to a folder; the text of their stars is what pairs their files.

    Where one pattern has more stars than the other, only the last counts. `images/*` with
    `labels_masks/*_labels_semantic` pairs `images/a.jpg` with `labels_masks/a_labels_semantic.png`.
    Files whose `*` starts with one of `skipped` do not belong to the set.
    """

    images: str
    labels: str
    skipped: tuple[str, ...] = ()

    @property
    def stars(self) -> int:
        """How many stars make the key of a file."""
        counts = {self.images.count("*"), self.labels.count("*")}
        return counts.pop() if len(counts) == 1 else 1


def matching(folder: Path, pattern: str, skipped: tuple[str, ...] = (), *, stars: int = 1) -> dict[str, Path]:
    """Pictures of a pattern by the text of its last stars, in natural order of the last one.

    Args:
        folder: what the pattern is relative to.
        pattern: as in `Layout`.
        skipped: what the text of the last `*` must not start with.
        stars: how many of the last stars make the key, joined by `/`.

    Raises:
        DataError: two files stand for one key.
    """
    text = "[^/]*".join(re.escape(part) for part in pattern.split("*"))
    for _ in range(stars):
        text = "([^/]+)".join(text.rsplit("[^/]*", 1))
    name = re.compile(text + PICTURE, re.IGNORECASE)
    found: dict[str, Path] = {}
    for path in folder.glob(f"{pattern}.*"):
        match = name.fullmatch(path.relative_to(folder).as_posix())
        if match is None or path.name.startswith(".") or match[stars].startswith(skipped) or not path.is_file():
            continue
        key = "/".join(match.groups())
        if key in found:
            raise DataError(f"{path}: stands for the same sample as {found[key]}; keep one of them")
        found[key] = path
    return dict(sorted(found.items(), key=lambda item: (natural_key(Path(item[0].rpartition("/")[2])), item[0])))


def without_previews(labels: Mapping[str, Path], keys: Collection[str]) -> dict[str, Path]:
    """Label maps without the `NAME_color` beside a `NAME`, but for those whose key is one of the images' `keys`."""
    plain = {path.with_suffix("") for path in labels.values()}

    def is_preview(path: Path) -> bool:
        return path.stem.endswith(_PREVIEW) and path.with_name(path.stem.removesuffix(_PREVIEW)) in plain

    return {key: path for key, path in labels.items() if key in keys or not is_preview(path)}


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
            labels = matching(root / home, layout.labels, layout.skipped, stars=layout.stars)
            if labels:
                images = matching(root / home, layout.images, layout.skipped, stars=layout.stars)
                prefix = layout.images.rpartition("/")[2].rpartition("*")[0]
                return pair_up(root / home, images, without_previews(labels, images.keys()), prefix)
    expected = " or ".join(f"{layout.images} with {layout.labels}" for layout in layouts[:3])
    more = f" ({len(layouts) - 3} layouts more)" if len(layouts) > 3 else ""
    below = ", ".join(filter(None, homes))
    raise DataError(f"{root}: no label maps found; expected {expected}{more}, here{f' or in {below}' if below else ''}")


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
            first = min(missing, key=lambda key: natural_key(Path(key)))
            raise DataError(
                f"{where}: {len(missing)} files have no {what}, the first is {have[first].name}; unpack the set again"
            )
    lasts = [key.rpartition("/")[2] for key in labels]
    short = len(set(lasts)) == len(lasts)
    heads = ["" if short else key[: len(key) - len(last)] for key, last in zip(labels, lasts, strict=True)]
    return tuple(
        Pair(head + prefix + last, images[key], labels[key])
        for head, last, key in zip(heads, lasts, labels, strict=True)
    )


def require_folder(root: Path) -> None:
    """Refuses a root that is no folder.

    Raises:
        DataError: there is no folder at `root`.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; `ood_eval data where` says where each set is to be had")


def given_folder(option: str, value: object) -> Path:
    """The folder that an option names, `~` for the home folder.

    Raises:
        ConfigError: it is no path, or there is no such folder.
    """
    try:
        path = Path(str(value)).expanduser() if isinstance(value, (str, Path)) else None
    except RuntimeError:
        path = None
    if path is None or not path.is_dir():
        raise ConfigError(f"option {option}: {value} is no folder")
    return path


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
