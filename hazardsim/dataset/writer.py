"""Writing a split so that it can be killed at any moment and finished by the same command."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from hazardsim.channels.png import png_from_depth, png_from_instances, png_from_labels, png_from_rgb
from hazardsim.dataset.layout import DB_NAME, Kind, Split, SplitLayout
from hazardsim.errors import DatasetError
from hazardsim.files import json_line, write_whole
from hazardsim.frame import Frame
from hazardsim.scenario.scene import scene_to_data
from hazardsim.taxonomy import street_hazards_from_tags

Record = dict[str, Any]


class SplitWriter:
    """Frames of one split, each recorded once all of its files are on disk.

    `recipe` is everything that decides the content. A folder begun with another recipe is refused.

    Raises:
        DatasetError: the folder holds a split of another recipe, or cannot be read or written.
    """

    def __init__(self, root: Path, split: Split, recipe: Record) -> None:
        self._root = root
        self._layout = SplitLayout(split)
        self._recipe: Record = json.loads(json_line(recipe))
        self._tried: dict[tuple[str, int], int | None] = {}
        self.complete = False
        self._open()

    def tried(self, town: str, index: int) -> bool:
        """Whether scene `index` of a town was kept or left out already."""
        return (town, index) in self._tried

    def number_of(self, town: str, index: int) -> int | None:
        """The number under which scene `index` was kept; None where it was left out."""
        return self._tried[(town, index)]

    def keep(self, frame: Frame, number: int) -> None:
        """Write the pictures, then the record."""
        scene = frame.scene
        files: dict[Kind, bytes] = {
            "images": png_from_rgb(frame.rgb),
            "annotations": png_from_labels(street_hazards_from_tags(frame.semantic)),
            "instances": png_from_instances(frame.instance),
            "depth": png_from_depth(frame.depth),
        }
        entries = {}
        for kind, data in files.items():
            relative = self._layout.file(kind, scene.town, number)
            write_whole(self._root / relative, [data])
            entries[kind] = {"path": str(relative), "sha256": hashlib.sha256(data).hexdigest()}
        record = {
            "number": number,
            "town": scene.town,
            "index": scene.index,
            "files": entries,
            "scene": scene_to_data(scene),
            "camera": _camera(frame),
            "anomalies": [asdict(seen) for seen in frame.anomalies],
            "versions": dict(frame.versions),
        }
        write_whole(self._journal(f"kept-{number:08d}"), [json_line(record)])
        self._tried[(scene.town, scene.index)] = number

    def reject(self, town: str, index: int, reason: str) -> None:
        """Record that a scene was left out, so that a resumed run does not try it again."""
        record = {"town": town, "index": index, "rejected": reason}
        write_whole(self._journal(f"rejected-{town}-{index:08d}"), [json_line(record)])
        self._tried[(town, index)] = None

    def finish(self) -> None:
        """Turn the journal into the odgt list and, last, the manifest: a split with a manifest is whole."""
        kept, left_out = self._journalled("kept"), self._journalled("rejected")
        if left_out:
            write_whole(self._root / self._layout.rejected, (file.read_bytes() for file in left_out))
        listing = sorted((self._odgt_entry(_load(file)) for file in kept), key=lambda e: str(e["fpath_img"]))
        write_whole(self._root / self._layout.odgt, [json.dumps(listing).encode()])
        write_whole(self._root / self._layout.manifest, (file.read_bytes() for file in kept))
        self._tidy()
        self.complete = True

    def _tidy(self) -> None:
        shutil.rmtree(self._root / self._layout.journal, ignore_errors=True)
        (self._root / self._layout.lock).unlink(missing_ok=True)

    def _open(self) -> None:
        path = self._root / self._layout.recipe
        compare_recipe(self._root, self._layout.split, self._recipe)
        self._lock = _lock(self._root / self._layout.lock)
        compare_recipe(self._root, self._layout.split, self._recipe)  # again: it may have come while we waited
        if not path.exists():
            write_whole(path, [json.dumps(self._recipe, indent=2, sort_keys=True).encode(), b"\n"])
        self.complete = (self._root / self._layout.manifest).exists()
        if self.complete:
            self._tidy()
            return
        for file in self._journalled(""):
            record = _load(file)
            self._tried[(record["town"], record["index"])] = record.get("number")

    def _journal(self, name: str) -> Path:
        return self._root / self._layout.journal / f"{name}.json"

    def _journalled(self, kind: str) -> list[Path]:
        return sorted((self._root / self._layout.journal).glob(f"{kind}*.json"))

    def _odgt_entry(self, record: Record) -> dict[str, object]:
        camera = record["scene"]["camera"]
        paths = {
            kind: PurePosixPath(record["files"][kind]["path"]).relative_to(self._layout.folder)
            for kind in ("images", "annotations")
        }
        return {
            "dbName": DB_NAME,
            "width": camera["width_px"],
            "height": camera["height_px"],
            "fpath_img": str(paths["images"]),
            "fpath_segm": str(paths["annotations"]),
        }


def is_whole(root: Path, split: Split) -> bool:
    """Whether the split is there from the first frame to the last, with nothing left to tidy up."""
    layout = SplitLayout(split)
    return (root / layout.manifest).exists() and not (root / layout.journal).exists()


def compare_recipe(root: Path, split: Split, recipe: Record, ignore: frozenset[str] = frozenset()) -> None:
    """Refuse a split that was begun with another recipe.

    Raises:
        DatasetError: names the first difference.
    """
    layout = SplitLayout(split)
    path = root / layout.recipe
    if not path.exists():
        return
    found, wanted = _load(path), json.loads(json_line(recipe))
    for key in sorted((set(found) | set(wanted)) - ignore):
        if found.get(key) != wanted.get(key):
            raise DatasetError(
                f"{root / layout.folder} holds a {split} split made with {key} = {_short(found.get(key))}, now it is "
                f"{_short(wanted.get(key))}; ask for the same, choose another --out, or delete it"
            )


def _lock(path: Path) -> IO[bytes]:
    """Hold the lock file for as long as the writer lives; the system lets go of it when the process ends.

    A process that was just killed may need a moment to let go.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise DatasetError(f"cannot write {path.parent}: {error.strerror}; choose another --out") from error
    patience = (0.0, 0.5, 1.0, 2.0)
    if any(_try_lock(file, wait_s) for wait_s in patience):
        return file
    file.close()
    raise DatasetError(f"another process is writing to {path.parent}; wait for it, or choose another --out")


def _try_lock(file: IO[bytes], wait_s: float) -> bool:
    time.sleep(wait_s)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _load(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}); delete it, or choose another --out") from error
    return record


def _camera(frame: Frame) -> dict[str, object]:
    camera = frame.scene.camera
    focal = camera.width_px / (2 * np.tan(np.radians(camera.fov_deg) / 2))
    intrinsics = [[focal, 0.0, camera.width_px / 2], [0.0, focal, camera.height_px / 2], [0.0, 0.0, 1.0]]
    return {"intrinsics": intrinsics, "world_from_camera": camera.pose.matrix().tolist()}


def _short(value: object) -> str:
    text = json_line(value).decode().strip()
    return text if len(text) <= 40 else f"{text[:37]}..."
