"""Masks of 0 and 255 among those of 0 and 1: nobody guesses what 255 means."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks.folders import Folders
from ood_eval.datasets import check_dataset
from ood_eval.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, value in (("a", 1), ("b", 255)):
        picture, mask = np.zeros((4, 6, 3), dtype=np.uint8), np.zeros((4, 6), dtype=np.uint8)
        mask[1:3, 2:4] = value
        for folder, array in (("images", picture), ("masks", mask)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(array).save(tmp_path / folder / f"{name}.png")
    return tmp_path


def test_a_mask_of_0_and_255_is_refused_with_what_to_say(root: Path) -> None:
    with pytest.raises(DataError, match=r"b\.png: holds 255 and no 1; say in folders\.yaml what 255 means"):
        check_dataset(Folders(root, "test"))


@pytest.mark.parametrize("meaning", [1, 255])
def test_what_was_said_is_done(root: Path, meaning: int) -> None:
    (root / "folders.yaml").write_text(f"values: {{0: 0, 1: 1, 255: {meaning}}}\n")
    split = Folders(root, "test")
    check_dataset(split)
    anomaly = split[1].anomaly
    assert anomaly is not None
    assert np.unique(anomaly).tolist() == [0, meaning]
