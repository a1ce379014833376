"""A benchmark that nobody knew: one entry in the registry is all that the commands need of it."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.build import build_dataset, splits_of
from ood_eval.benchmarks.formats.layout import Layout, pairs_below, require_split
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.benchmarks.formats.values import BINARY
from ood_eval.benchmarks.roots import find_root
from ood_eval.commands.data_check import DataCheck
from ood_eval.commands.data_where import DataWhere
from ood_eval.datasets import ANOMALY, KNOWN, First, attributes_of, check_dataset, instances_of
from ood_eval.errors import ConfigError, DataError


class Toy(MaskedImages):
    """Pictures with masks, which tells its objects apart."""

    splits = ("day", "night")
    scored = "day"

    def __init__(
        self, root: Path, split: str, *, marks: Literal["white", "black"] = "white", base: Path | str | None = None
    ) -> None:
        require_split("toy", split, self.splits)
        values = {0: KNOWN, 1: ANOMALY, 255: 255} if marks == "white" else {0: ANOMALY, 1: KNOWN, 255: 255}
        super().__init__("toy", pairs_below(root, ("",), (Layout(f"{split}/image_*", f"{split}/mask_*"),)), values)
        self.base = base

    def instances(self, index: int) -> np.ndarray:
        return np.full((4, 6), index + 7, dtype=np.uint16)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the toy set, below $OOD_EVAL_DATA under one of its usual names."""
    for name in ("DATA", "TOY", "CITYSCAPES"):
        monkeypatch.delenv(f"OOD_EVAL_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OOD_EVAL_DATA", str(tmp_path))
    entry = Benchmark(
        Toy,
        site="https://toys.example",
        terms="of the nursery",
        size="1 kB",
        folders=("ToyBox",),
        signs=("day/mask_*",),
        needs={"base": "cityscapes"},
    )
    monkeypatch.setitem(BENCHMARKS, "toy", entry)
    place = tmp_path / "ToyBox"
    for split in Toy.splits:
        (place / split).mkdir(parents=True)
        for number in (1, 2):
            Image.fromarray(np.full((4, 6, 3), 80, dtype=np.uint8)).save(place / split / f"image_{number}.png")
            Image.fromarray(np.eye(4, 6, dtype=np.uint8)).save(place / split / f"mask_{number}.png")
    return place


def test_it_is_found_by_its_signs_and_listed_with_its_source(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_root("toy") == root
    DataWhere().run()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        f"{'toy':25} found in {root}",
        "    https://toys.example",
        "    of the nursery; 1 kB; lies on cityscapes",
    ]
    for mask in (root / "day").glob("mask_*"):
        mask.unlink()
    assert find_root("toy") is None


def test_it_is_checked_split_by_split(
    root: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        DataCheck("toy").run()
    assert capsys.readouterr().out == ""
    assert "toy day: 2 samples, 6x4 px, 16.667% anomalous" in caplog.text
    assert "toy night: 2 samples" in caplog.text
    Image.fromarray(np.full((4, 6), 9, dtype=np.uint8)).save(root / "night/mask_2.png")
    with pytest.raises(DataError, match="toy: 1 finding"):
        DataCheck("toy").run()
    assert "night: " in capsys.readouterr().out


def test_it_is_built_with_options_of_its_own_types(root: Path) -> None:
    assert splits_of("toy", root) == BENCHMARKS["toy"].splits == ("day", "night")
    assert BENCHMARKS["toy"].scored == "day"
    assert list(BENCHMARKS["toy"].options) == ["marks", "base"]
    dataset = build_dataset("toy", root, "day", {"marks": "black"})
    assert check_dataset(dataset).anomaly == 2 * 20
    with pytest.raises(ConfigError, match="option marks: must be 'white' or 'black', not 'grey'"):
        build_dataset("toy", root, "day", {"marks": "grey"})
    with pytest.raises(ConfigError, match="benchmark toy: no option 'mark'; it has marks, base"):
        build_dataset("toy", root, "day", {"mark": "white"})


def test_the_set_that_it_lies_on_is_looked_for(root: Path) -> None:
    assert build_dataset("toy", root, "day").base is None
    base = root.parent / "Cityscapes"
    base.mkdir()
    assert build_dataset("toy", root, "day").base == base
    assert build_dataset("toy", root, "day", {"base": "elsewhere"}).base == "elsewhere"


def test_instances_and_attributes_are_asked_for_where_there_are_some(root: Path) -> None:
    dataset = build_dataset("toy", root, "day")
    assert (instances_of(dataset, 1) == 8).all()
    assert (instances_of(First(dataset, 2), 1) == 8).all()
    assert attributes_of(dataset, 0) == {}
    plain = MaskedImages("plain", pairs_below(root, ("",), (Layout("day/image_*", "day/mask_*"),)), BINARY)
    assert instances_of(plain, 0) is None
    assert instances_of(First(plain, 1), 0) is None
    with pytest.raises(IndexError):
        instances_of(First(dataset, 1), 1)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_entry_is_whole(name: str) -> None:
    entry = BENCHMARKS[name]
    assert entry.splits
    assert entry.scored is None or entry.scored in entry.splits
    assert all((entry.site, entry.terms, entry.size))
    assert set(entry.needs) <= set(entry.options)
    assert set(entry.needs.values()) <= set(BENCHMARKS)
    # Without a sign of its own, a folder that several sets share would be taken for each of them.
    shared = {folder for other, one in BENCHMARKS.items() if other != name for folder in one.folders}
    assert entry.signs or not shared & set(entry.folders)
    assert not entry.takes_label_policy or "policy" in entry.options
