"""A finished run answers from names, sizes and times of files, and notices whatever of them is another."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ood_eval.engine.finished import Finished, Watched


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of data whose files are old."""
    for name in ("a.png", "below/b.png"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text("one")
    old = time.time() - 100
    for path in (*(tmp_path / "data").rglob("*"), tmp_path / "data"):
        os.utime(path, (old, old))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package's own files may have been edited a moment ago."""
    monkeypatch.setattr("ood_eval.engine.finished._PACKAGES", ())


def finished(data: Path, **request: object) -> tuple[Path, Watched]:
    out, watched = data.parent / "out", Watched(trees=(str(data),))
    (out / "report").mkdir(parents=True)
    for name in ("run.json", "summary.jsonl", "comparisons.jsonl", "report/index.html"):
        (out / name).write_text("{}")
    Finished(out, request).note(watched)
    return out, watched


def test_nothing_changed_is_finished_and_another_request_is_not(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = finished(data, suite="caos")
    assert Finished(out, {"suite": "caos"}).still()
    assert not Finished(out, {"suite": "real"}).still()
    monkeypatch.setenv("OOD_EVAL_DATA", "/elsewhere")
    assert not Finished(out, {"suite": "caos"}).still()
    assert not Finished(data, {"suite": "caos"}).still()


@pytest.mark.parametrize("change", ["edit", "touch", "add", "remove", "result", "report"])
def test_every_change_is_noticed(data: Path, change: str) -> None:
    out, _ = finished(data)
    target = data / "below/b.png"
    if change == "edit":
        stamp = target.stat()
        target.write_text("another length")
        os.utime(target, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    elif change == "touch":
        target.touch()
    elif change == "add":
        (data / "below/c.png").touch()
    elif change == "remove":
        target.unlink()
    elif change == "result":
        (out / "run.json").write_text('{"other": 1}')
    else:
        (out / "report/index.html").unlink()
    assert not Finished(out, {}).still()


def test_what_was_changed_a_moment_ago_is_not_trusted(data: Path) -> None:
    (data / "a.png").touch()
    out, _ = finished(data)
    assert not Finished(out, {}).still()
    assert not (out / "finished.json").exists()


def test_a_finished_run_loads_neither_torch_nor_plots() -> None:
    modules = "ood_eval.cli, ood_eval.engine.finished, ood_eval.report.result, ood_eval.report.terminal"
    script = (
        f"import sys, {modules}; print(sorted({{'torch', 'matplotlib', 'jinja2', 'lightning'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "[]"
