"""A hash of exactly the bytes a result was computed from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ood_eval.datasets.sample import SegDataset
from ood_eval.errors import DataError

_CHUNK = 1 << 20


def dataset_hash(dataset: SegDataset) -> str:
    """SHA-256 hex over the contents of every file of every sample, in order; names and folders do not count.

    Raises:
        DataError: a file cannot be read.
    """
    whole = hashlib.sha256(f"{dataset.name} {len(dataset)}".encode())
    for index in range(len(dataset)):
        for path in dataset.files(index):
            whole.update(file_hash(path).encode())
    return whole.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 hex of a file's contents.

    Raises:
        DataError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()
