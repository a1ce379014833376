"""What earlier runs have left in a folder: removed where it is finished, told of where it is not."""

import logging
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from ood_eval.engine.cells import Cell, CellStore
from ood_eval.engine.workplace import Workplace, clear_remains, exclusive


class Counted:
    """A count whose state is one number."""

    def state(self) -> dict[str, Any]:
        return {"images": np.array([3])}


def begun(out: Path, key: str, cell: Cell) -> Path:
    """A shard of a cell, and a score map beside it."""
    Workplace(out, key).shards.save([0, 1, 2], {cell: Counted()})  # type: ignore[dict-item]
    Workplace(out, key).maps.save(0, {"score|msp": np.zeros((4, 4), np.float32)})
    return out / "unfinished" / key


def test_what_earlier_runs_have_left_is_removed_or_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    finished, broken_off, own = (Cell("msp", name, {"code": name}) for name in ("finished", "broken_off", "own"))
    CellStore(tmp_path / "cells").write(finished, {}, [], {})
    done, other, mine = (begun(tmp_path, f"key-{cell.measure}", cell) for cell in (finished, broken_off, own))
    Workplace(tmp_path, "key-own").frames.save(0, {"image": np.zeros((4, 4, 3), np.uint8)})
    Workplace(tmp_path, "key-older").frames.save(0, {"image": np.zeros((40, 40, 3), np.uint8)})
    clear_remains(tmp_path, {"key-own"})
    assert (done.exists(), other.exists(), mine.exists()) == (False, True, True)
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"{tmp_path / 'unfinished'} and {tmp_path / 'frames'}: 0.0 MB in 2 folders" in line
    assert line.endswith("key-broken_off, key-older")
    assert (tmp_path / "frames" / "key-older").exists()
    caplog.clear()
    clear_remains(tmp_path, {"key-own", "key-broken_off", "key-older"})
    assert not caplog.records


def test_a_damaged_shard_is_left_and_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    folder = begun(tmp_path, "key-old", Cell("msp", "x", {}))
    (shard,) = (folder / "shards").glob("*.npz")
    shard.write_bytes(b"not a shard")
    clear_remains(tmp_path, set())
    assert shard.exists()
    assert "key-old" in caplog.text


def test_the_lock_of_an_empty_folder_is_removed_while_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, there = tmp_path / "out", list[bool]()
    release = filelock.FileLock.release

    def seen(lock: filelock.FileLock, *words: bool) -> None:
        there.append(out.exists())
        release(lock, *words)

    monkeypatch.setattr(filelock.FileLock, "release", seen)
    with exclusive(out):
        assert out.is_dir()
    assert there[0] is False
    with exclusive(out):
        (out / "kept").touch()
    assert (out / "kept").is_file()
