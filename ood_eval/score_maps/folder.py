"""Folders of score maps: what lies where, for which images, and whether it can be counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ConfigError, DataError, OodEvalError, ResultError
from ood_eval.files import read_json, write_bytes, write_json
from ood_eval.score_maps import FORMATS, checked_format

# What our own folders are told by; what a folder may hold besides maps.
LIST: Final = "maps.json"
# The folder above all methods in the SegmentMeIfYouCan tool.
_TOOLS_OWN: Final = "anomaly_p"


@dataclass(frozen=True, slots=True)
class ScoreMaps:
    """The score maps of one detector, a file for each image.

    Args:
        label: of the detector, as rows carry it.
        format: name in `FORMATS`.
        files: in the order of the images.
    """

    label: str
    format: str
    files: tuple[Path, ...]

    def load(self, index: int, size: tuple[int, int]) -> NDArray[np.float32]:
        """The map [H,W] f32 of an image.

        Args:
            index: of the image.
            size: height and width that it must have.

        Raises:
            DataError: the file is missing or damaged, or holds something else; the message names it.
        """
        path = self.files[index]
        try:
            found = FORMATS[self.format].read(path)
        except OodEvalError:
            raise
        except Exception as error:  # of whichever library reads the format
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{path}: not a score map of format {self.format} ({reason})") from error
        if found.ndim == 3 and 1 in {found.shape[0], found.shape[2]}:
            found = found.squeeze(0 if found.shape[0] == 1 else 2)
        if found.shape != size:
            have, want = "x".join(map(str, found.shape)), "x".join(map(str, size))
            raise DataError(f"{path}: the score map is {have} but its image is {want} (height x width)")
        if found.dtype.kind not in "fiu":
            raise DataError(f"{path}: scores must be numbers, not {found.dtype}")
        scores = found.astype(np.float32)
        if not np.isfinite(scores).all():
            raise DataError(f"{path}: holds NaN or infinity (also as float32); scores must be finite")
        return scores


def write_map(path: Path, format_name: str, scores: NDArray[np.float32]) -> None:
    """Writes a map [H,W] f32, whole or not at all.

    Raises:
        ConfigError: the format's library is not installed.
        ResultError: the folder cannot be written or the disk is full.
    """
    write_bytes(path, FORMATS[format_name].bytes_of(np.ascontiguousarray(scores)))


def write_list(folder: Path, told: dict[str, Any]) -> None:
    """Writes what the maps of a folder are of: `format`, `benchmark`, `detectors` (folder and key by label), ...

    Raises:
        ResultError: the folder cannot be written.
    """
    write_json(folder / LIST, told)


def read_list(folder: Path) -> dict[str, Any] | None:
    """What `write_list` wrote; None, where the folder is not one of ours.

    Raises:
        ResultError: it is damaged.
    """
    path = folder / LIST
    if not path.is_file():
        return None
    told = read_json(path)
    try:
        sound = told["format"] in FORMATS and all(isinstance(one["folder"], str) for one in told["detectors"].values())
    except (KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise ResultError(f"{path}: damaged; delete it, and the maps are read as those of any folder")
    return dict(told)


def find_maps(folder: Path, ids: Sequence[str], format_name: str | None = None) -> list[ScoreMaps]:
    """The score maps below a folder, one for each detector and image.

    A folder of ours says what it holds. In any other, a file belongs to the image whose name its path ends with; what
    stands before that, without `anomaly_p` and the folder of the set that all share, is the detector, or the folder's
    own name.

    Args:
        folder: of ours, of the SegmentMeIfYouCan tool (METHOD/SET/IMAGE.hdf5), or any.
        ids: names of the images.
        format_name: in `FORMATS`; the only one found, if not given.

    Raises:
        ConfigError: it holds several formats, or none, or not the one that is wanted.
        DataError: an image lacks a map, or a file belongs to no image; the message names it.
        ResultError: the list of one of our folders is damaged.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder of score maps")
    told = read_list(folder)
    if told is not None:
        if format_name not in {None, told["format"]}:
            raise ConfigError(f"{folder}: holds score maps of format {told['format']}, not {format_name}")
        suffix = FORMATS[told["format"]].suffix
        found = [
            ScoreMaps(label, told["format"], tuple(folder / one["folder"] / f"{name}{suffix}" for name in ids))
            for label, one in told["detectors"].items()
        ]
        for one in found:
            _require_files(one)
        return found
    chosen = _format_of(folder, format_name)
    groups = _grouped(folder, frozenset(ids), FORMATS[chosen].suffixes)
    maps = []
    for label, files in _labelled(folder, groups).items():
        absent = [name for name in ids if name not in files]
        if absent:
            raise DataError(
                f"{folder}: {label} has maps of {len(files)} of {len(ids)} images; the first that is missing is of "
                f"{absent[0]}"
            )
        maps.append(ScoreMaps(label, chosen, tuple(files[name] for name in ids)))
    return maps


def _require_files(maps: ScoreMaps) -> None:
    absent = [path for path in maps.files if not path.is_file()]
    if absent:
        raise DataError(
            f"{absent[0]}: missing, with {len(absent)} of {len(maps.files)} maps of {maps.label}; run `ood_eval score` "
            "again, which makes the others"
        )


def _format_of(folder: Path, wanted: str | None) -> str:
    if wanted is not None:
        checked_format(wanted)
    suffixes = {path.suffix.lower() for path in _visible(folder)}
    there = [name for name, one in FORMATS.items() if not suffixes.isdisjoint(one.suffixes)]
    if wanted is not None and wanted in there:
        return wanted
    if wanted is not None or not there:
        raise ConfigError(f"{folder}: holds no score maps of {f'format {wanted}' if wanted else ', '.join(FORMATS)}")
    if len(there) > 1:
        raise ConfigError(f"{folder}: holds files of {' and '.join(there)}; say which are the score maps by --format")
    return there[0]


def _visible(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("[!.]*") if path.is_file())


def _grouped(folder: Path, ids: frozenset[str], suffixes: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, Path]]:
    """Files by the folders before an image's name, and by that name."""
    groups: dict[tuple[str, ...], dict[str, Path]] = {}
    for path in _visible(folder):
        if path.suffix.lower() not in suffixes:
            continue
        parts = PurePosixPath(path.relative_to(folder).as_posix()).with_suffix("").parts
        place = next((place for place in range(len(parts)) if "/".join(parts[place:]) in ids), None)
        if place is None:
            raise DataError(
                f"{path}: belongs to no image of the benchmark, whose names are as {min(ids)}; take it away"
            )
        group = groups.setdefault(parts[:place], {})
        name = "/".join(parts[place:])
        if name in group:
            raise DataError(f"{path}: stands for the same image as {group[name]}; keep one of them")
        group[name] = path
    return groups


def _labelled(folder: Path, groups: dict[tuple[str, ...], dict[str, Path]]) -> dict[str, dict[str, Path]]:
    """The groups by the detector's name."""
    heads = {head: head[1:] if head[:1] == (_TOOLS_OWN,) else head for head in groups}
    if all(len(head) > 1 for head in heads.values()) and len({head[-1] for head in heads.values()}) == 1:
        heads = {whole: head[:-1] for whole, head in heads.items()}
    return {"/".join(head) or folder.resolve().name: groups[whole] for whole, head in heads.items()}
