"""Damaged files of a run: made again where that is safe, or told in one line whose advice works when obeyed."""

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.commands.report import Report
from ood_eval.datasets.fingerprint import remembered
from ood_eval.engine import scoring
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.evaluation import Evaluation
from ood_eval.engine.finished import Finished, Watched
from ood_eval.engine.row import Row, read_rows
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.engine.workplace import exclusive
from ood_eval.errors import ResultError
from ood_eval.files import read_json, write_json
from ood_eval.networks import CheckpointFile, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.report.result import read_results

pytestmark = pytest.mark.slow

TINY = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)
NOTES = {"hashes.json"}  # costs time alone


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_within_a_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + b'{"')


def overwrite(path: Path) -> None:
    path.write_bytes(b"\x00\xffnonsense")


def another_value(path: Path) -> None:
    path.write_text('[{"a": NaN}]')


def alter(path: Path) -> None:
    """One byte in the middle, as a bad disk would."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = (cut, overwrite, another_value, alter, Path.unlink)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "s.pt"
    save_segmenter(path, build_segmenter(TINY, StreetHazards.class_names, "none", 0), TINY)
    return path


def campaign(data: Path, checkpoint: Path, *protocols: str) -> Campaign:
    detectors = (DetectorSpec("msp"), DetectorSpec("knn"))
    streets = BenchmarkSpec("streethazards")
    suite = Suite("s", (streets,), detectors, streets, protocols or ("caos",), gallery=2)
    return Campaign(suite, data, lambda *_: CheckpointFile(checkpoint), (None,))


@pytest.fixture(scope="module")
def finished(shared_streets: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return campaign(shared_streets, checkpoint).run(tmp_path_factory.mktemp("finished") / "out")


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A finished run that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "out"))


def contents(out: Path) -> dict[str, bytes]:
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in NOTES]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def rows(out: Path) -> list[Row]:
    (file,) = out.glob("evaluations/*/rows.jsonl")
    return [dataclasses.replace(row, seconds=0.0) for row in read_rows(file)]


def complaint(one: Campaign, out: Path) -> str:
    try:
        one.run(out)
    except ResultError as error:
        return str(error)
    return ""


def obeyed(one: Campaign, out: Path) -> list[Path]:
    """Runs and does what each message says; returns the files that had to be deleted."""
    deleted: list[Path] = []
    while len(deleted) < 20 and (message := complaint(one, out)):
        assert "delete this file" in message
        assert "\n" not in message
        deleted.append(Path(message.partition(": ")[0]))
        deleted[-1].unlink()
    assert len(deleted) < 20, "no end of deleting"
    return deleted


@pytest.mark.parametrize(
    "pattern",
    [
        "evaluations/*/rows.jsonl", "evaluations/*/images.jsonl", "evaluations/*/curves.json", "hashes.json",
        "evaluations/*/thresholds.json", "evaluations/*/segmenter.json", "evaluations/*/cells.json", "run.json",
        "evaluations/*/seal.json", "evaluations/*/gallery/*.npz", "summary.jsonl", "comparisons.jsonl", "watched.json",
    ],
)  # fmt: skip
def test_what_is_read_off_cells_is_made_again(
    finished: Path, out: Path, shared_streets: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(scoring.Pass, "_count", lambda *_: pytest.fail("scored again"))
    for number, damage in enumerate(DAMAGES):
        damage(sorted(out.glob(pattern))[0])
        campaign(shared_streets, checkpoint).run(out)
        assert contents(out) == contents(finished), DAMAGES[number]


def test_damaged_frames_are_drawn_again(finished: Path, out: Path, shared_streets: Path, checkpoint: Path) -> None:
    for damage in DAMAGES:
        for path in (*out.glob("frames/*/*.npz"), *out.glob("evaluations/*/gallery/*.npz")):
            damage(path)
        obeyed(campaign(shared_streets, checkpoint), out)
        assert contents(out) == contents(finished)


@pytest.mark.parametrize("name", ["rows.jsonl", "images.jsonl", "curves.json", "segmenter.json", "thresholds.json"])
def test_what_a_report_says_of_a_damaged_file_works_when_obeyed(
    finished: Path, out: Path, shared_streets: Path, checkpoint: Path, name: str
) -> None:
    (path,) = out.glob(f"evaluations/*/{name}")
    for damage in (cut_within_a_line, overwrite, another_value):
        damage(path)
        with pytest.raises(ResultError, match=r"delete it and run again") as raised:
            Report((out,), out / "report").run()
        assert str(raised.value).startswith(f"{path}: ")
        path.unlink()
        campaign(shared_streets, checkpoint).run(out)
        Report((out,), out / "report").run()
        assert path.read_bytes() == (finished / path.relative_to(out)).read_bytes()


@pytest.mark.parametrize("pattern", ["cells/*.npz", "fitted/*.pt"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cells_and_fits_are_named(
    finished: Path,
    out: Path,
    shared_streets: Path,
    checkpoint: Path,
    pattern: str,
    damage: Callable[[Path], None],
) -> None:
    shutil.rmtree(out / "evaluations")
    if pattern.startswith("fitted"):
        shutil.rmtree(out / "cells")  # or nobody would ask for what was fitted
        if damage is alter:
            pytest.skip("torch checks no sums, so a changed number in a fit is another fit")
    for path in out.glob(pattern):
        damage(path)
    deleted = obeyed(campaign(shared_streets, checkpoint), out)
    assert bool(deleted) is (damage is not Path.unlink)
    assert rows(out) == rows(finished)


@pytest.mark.parametrize("folder", ["shards", "scores"])
def test_damaged_shards_and_score_maps_are_counted_again(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(scoring, "SHARD_SECONDS", -1.0)
    one = campaign(shared_streets, checkpoint, "caos", "smiyc")
    whole = one.run(tmp_path / "whole")
    with monkeypatch.context() as broken:
        broken.setattr(Evaluation, "_finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            one.run(tmp_path / "broken")
    for damage in DAMAGES:
        out = Path(shutil.copytree(tmp_path / "broken", tmp_path / damage.__name__))
        for path in sorted(out.glob(f"unfinished/*/{folder}/*.npz"))[:2]:
            damage(path)
        obeyed(one, out)
        assert rows(out) == rows(whole), damage
        assert not list(out.glob("unfinished/*/*/*.npz"))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"files": [], "sound": []}', '{"files": {"a": 1}, "sound": []}'])
def test_a_damaged_memory_of_hashes_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "hashes.json").write_text(text)
    with remembered(tmp_path / "hashes.json") as memory:
        assert memory.files == {}


NO_PATH = '{"watched": {"trees": ["\\u0000"]}, "request": "", "stamp": ""}'


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", NO_PATH])
def test_a_damaged_note_of_a_finished_run_is_none(tmp_path: Path, text: str) -> None:
    finished = Finished(tmp_path, {})
    for name in ("run.json", "summary.jsonl", "comparisons.jsonl"):
        (tmp_path / name).touch()
    finished.note(Watched())
    (tmp_path / "finished.json").write_text(text)
    assert not finished.still()


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"evaluations": [1]}', '{"evaluations": [{"benchmark": "a"}]}'])
def test_a_report_of_a_damaged_list_of_results_is_refused(out: Path, text: str) -> None:
    (out / "run.json").write_text(text)
    with pytest.raises(ResultError, match=r"run\.json: .*delete it and run again"):
        read_results(out)


def test_a_report_that_cannot_be_written_is_told_before_it_is_drawn(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr("ood_eval.report.write.write_report", lambda *_: pytest.fail("drawn"))
    with pytest.raises(ResultError, match=r"file/report: cannot be written"):
        Report((finished,), tmp_path / "file/report").run()


def test_a_lock_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(ResultError, match=r"\.lock: cannot be written"), exclusive(tmp_path):
        pass


def test_json_is_strict(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [math.nan, (1.5, math.nan)]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [None, [1.5, None]]}
    with pytest.raises(ResultError, match=r"b\.json: not written, for a number of it is infinite"):
        write_json(tmp_path / "b.json", {"a": math.inf})
    (tmp_path / "c.json").write_text('{"a": NaN}')
    with pytest.raises(ResultError, match=r"c\.json: is not JSON"):
        read_json(tmp_path / "c.json")
