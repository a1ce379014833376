"""Sets that hazardsim made: StreetHazards on disk, and a manifest that knows what is in each picture.

The only module of ood_eval that imports hazardsim.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.dataset.layout import SplitLayout
from hazardsim.errors import DatasetError
from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.labels import LabelPolicy, PolicyName
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.errors import DataError

# Source: hazardsim.scenario.scene.SceneWeather; place of the sun's altitude in CARLA's fourteen numbers.
_SUN_ALTITUDE: Final = 5


class Generated(StreetHazards):
    """One split of a finished hazardsim dataset, with what its manifest says of each picture.

    Args:
        root: folder that `hazardsim render --out` wrote.
        split: `training`, `validation` or `test`.
        policy: what becomes of `unlabeled` and `other`.

    Raises:
        ConfigError: the split or the policy is unknown.
        DataError: the set is unfinished or damaged, or the manifest and the index name different pictures.
    """

    name = "generated"

    def __init__(self, root: Path, split: str, policy: LabelPolicy | PolicyName | None = None) -> None:
        super().__init__(root, split, policy)
        self._manifest = root / SplitLayout(self.split).manifest
        lines = _line_starts(self._manifest)
        missing = [entry.image for entry in self.entries if _relative(entry.image, root) not in lines]
        if missing or len(lines) != len(self.entries):
            first = f", the first unknown one is {missing[0].name}" if missing else ""
            raise DataError(
                f"{self._manifest}: tells of {len(lines)} pictures, {self.index.name} of {len(self.entries)}{first}; "
                "render it again, or read it as streethazards"
            )
        self._starts = tuple(lines[_relative(entry.image, root)] for entry in self.entries)

    def attributes(self, index: int) -> Mapping[str, Any]:
        """Weather, sun, town, scenario, and category, distance, pixels and place of each anomaly.

        Raises:
            DataError: the manifest changed or lacks one of them.
        """
        record = self._record(index)
        try:
            return _attributes(record)
        except (KeyError, IndexError, TypeError) as error:
            raise DataError(
                f"{self._manifest}: sample {index} lacks {error}; it was made by another version"
            ) from error

    def instances(self, index: int) -> NDArray[np.uint16]:
        """Instance numbers [H,W] u16; an anomaly's pixels hold the `instance` of its attributes.

        Raises:
            DataError: the file is missing or damaged.
        """
        from hazardsim.dataset.reader import StoredFrame

        try:
            return StoredFrame(self.root, self.split, self._record(index)).instances()
        except (DatasetError, KeyError, OSError) as error:
            raise DataError(f"{self._manifest}: the instances of sample {index} cannot be read: {error}") from error

    def instance_files(self, index: int) -> Sequence[Path]:
        """The file of instance numbers of sample `index`; none where it has no anomalies, or the set no such files.

        Raises:
            DataError: the manifest changed or was made by another version.
        """
        record = self._record(index)
        try:
            kept = record["files"].get("instances") if record["anomalies"] else None
            return [] if kept is None else [self.root / kept["path"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self._manifest}: sample {index} lacks {error}; it was made by another version"
            ) from error

    def _record(self, index: int) -> dict[str, Any]:
        with self._manifest.open("rb") as stream:
            stream.seek(self._starts[index])
            return _parsed(stream.readline(), self._manifest)


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    scene = record["scene"]
    # The scene's own actors are numbered from 1, its anomalies follow them.
    first = len(scene["actors"]) + 1
    kept = ("category", "asset_id", "distance_m", "pixels", "instance", "box_px")
    anomalies = [
        {key: seen[key] for key in kept} | {"place": scene["anomalies"][seen["instance"] - first]["place"]}
        for seen in record["anomalies"]
    ]
    return {
        "weather": scene["weather"]["condition"],
        "sun_altitude_deg": scene["weather"]["values"][_SUN_ALTITUDE],
        "town": scene["town"],
        "scenario": scene["scenario"],
        "anomalies": anomalies,
    }


def _line_starts(manifest: Path) -> dict[str, int]:
    """Where the line of each picture starts, by the picture's path below the root."""
    starts: dict[str, int] = {}
    try:
        with manifest.open("rb") as stream:
            start = 0
            for line in stream:
                if line.strip():
                    picture = _picture(line, manifest)
                    if picture in starts:
                        raise DataError(f"{manifest}: tells of {picture} twice; render the split again")
                    starts[picture] = start
                start += len(line)
    except FileNotFoundError as error:
        raise DataError(f"{manifest}: missing; the split is unfinished, repeat its `hazardsim render`") from error
    except OSError as error:
        raise DataError(f"{manifest}: cannot be read ({error.strerror or error})") from error
    return starts


def _picture(line: bytes, manifest: Path) -> str:
    try:
        return str(_parsed(line, manifest)["files"]["images"]["path"])
    except (KeyError, TypeError) as error:
        raise DataError(f"{manifest}: a line names no picture; render the split again") from error


def _parsed(line: bytes, manifest: Path) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{manifest}: a line is no JSON; render the split again") from error
    if not isinstance(record, dict):
        raise DataError(f"{manifest}: a line is no JSON object; render the split again")
    return record


def _relative(image: Path, root: Path) -> str:
    return image.relative_to(root).as_posix() if image.is_relative_to(root) else image.as_posix()


BENCHMARK: Final = Benchmark(
    Generated,
    site="made by `hazardsim render --out DIR`",
    terms="yours",
    size="about 1 MB an image",
    folders=("hazardsim",),
    takes_label_policy=True,
    generated=True,
)
