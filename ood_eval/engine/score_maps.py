"""Score maps on disk between the two phases, for metrics whose threshold is known only after the last image."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import Sample
from ood_eval.errors import ResultError
from ood_eval.files import write_bytes


@dataclass(frozen=True, slots=True)
class ScoreMaps:
    """A folder with a file per image: truth, prediction, and the scores [H,W] f32 of every detector.

    Not f16: stored so, MSP's AUROC moved from .9773 to .9763 (SMIYC's tool does it).
    """

    folder: Path

    def save(
        self, index: int, sample: Sample, predicted: NDArray[np.int64], scores: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Keeps one image, whole or not at all.

        Raises:
            ResultError: the folder cannot be written or the disk is full.
        """
        arrays: dict[str, NDArray[np.generic]] = {f"score|{name}": score for name, score in scores.items()}
        arrays |= {"id": np.array(sample.id), "predicted": predicted.astype(np.uint8)}
        arrays |= {name: value for name in ("classes", "anomaly") if (value := getattr(sample, name)) is not None}
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        write_bytes(self.folder / f"{index:08d}.npz", stream.getvalue())

    def load(self, index: int, *names: str) -> tuple[NDArray[np.generic] | None, ...]:
        """Arrays of one image by name (`score|<detector>`, `predicted`, `classes`, `anomaly`, `id`), None if absent.

        Raises:
            ResultError: the file is missing or damaged.
        """
        path = self.folder / f"{index:08d}.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return tuple(arrays[name] if name in arrays.files else None for name in names)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ResultError(f"{path}: missing or damaged; delete {self.folder.parent} and run again") from error

    def delete(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
