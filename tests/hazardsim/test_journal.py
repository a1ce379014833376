"""A long split: its lists are put together record by record, and it is not listed all the time."""

import json
import tracemalloc

import pytest

from hazardsim.dataset import journal as journal_module
from hazardsim.dataset import odgt
from hazardsim.dataset.finish import finish_split, missing_frames
from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.numbering import Slot
from hazardsim.dataset.recipe_file import record_recipe
from hazardsim.errors import DatasetError
from hazardsim.jobs import progress
from hazardsim.jobs.job import WHOLE, RenderJob
from hazardsim.scenario.spec import Scenario


def record(number):
    town = "t6" if number % 2 else "t5"
    paths = {kind: {"path": f"test/{kind}/test/{town}/{number}.png"} for kind in ("images", "annotations")}
    camera = {"width_px": 32, "height_px": 18}
    return {"number": number, "files": paths, "scene": {"camera": camera, "padding": "." * 300}}


def journal_of(root, frames):
    """Toy records of a split that lacks its lists alone."""
    journal = Journal(root, "test")
    journal.folder.mkdir(parents=True)
    record_recipe(root, "test", {"frames": frames})
    for number in range(1, frames + 1):
        journal.kept(number).write_text(json.dumps(record(number)) + "\n")
    return journal


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(odgt, "_AT_ONCE", 150)
    peaks = []
    for frames in (300, 1500):
        root = tmp_path / str(frames)
        journal_of(root, frames)
        job = RenderJob(Scenario(), ("Town05",), "test", frames, 0, anomalies=True)
        seen = progress.Progress(root, job, WHOLE)
        counting = peak(lambda seen=seen: seen.update(at_once=True))
        assert seen.kept == frames
        peaks.append((counting, peak(lambda root=root: finish_split(root, "test"))))
        listing = json.loads((root / SplitLayout("test").odgt).read_text())
        assert len(listing) == frames
        assert len((root / SplitLayout("test").manifest).read_text().splitlines()) == frames
    # 1200 records more are 700 kB of text, and over a megabyte as paths and entries; eight files more have buffers.
    assert peaks[1][0] < peaks[0][0] + 20_000
    assert peaks[1][1] < peaks[0][1] + 250_000


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_the_list_is_sorted_by_name_however_little_is_held(monkeypatch, at_once):
    monkeypatch.setattr(odgt, "_AT_ONCE", at_once)
    layout = SplitLayout("test")
    entries = [odgt.odgt_entry(record(number), layout) for number in range(1, 24)]
    entries = entries[11:] + entries[10::-1]
    text = b"".join(odgt.odgt_text(entries)).decode()
    assert text == json.dumps(sorted(entries, key=lambda entry: entry["fpath_img"]))
    assert b"".join(odgt.odgt_text([])) == b"[]"


def test_a_journal_counts_what_belongs_to_a_shard(tmp_path):
    journal = journal_of(tmp_path, 6)
    journal.kept(4).unlink()
    for attempt in range(2):
        journal.reject(Slot(4, "Town05", 3), attempt, "too dark")
    journal.reject(Slot(5, "Town05", 4), 0, "too dark")
    assert journal.counts(range(1, 7)) == (5, 3)
    assert journal.counts(range(2, 7, 2)) == (2, 2)
    assert [journal.attempts(number) for number in (3, 4, 5)] == [0, 2, 1]
    assert list(missing_frames(tmp_path, "test", range(1, 9))) == [4, 7, 8]
    assert Journal(tmp_path / "none", "test").counts(range(1, 9)) == (0, 0)


def test_a_journal_is_removed_with_whatever_lies_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_AT_ONCE", 4)
    journal = journal_of(tmp_path, 10)
    (journal.folder / "notes" / "older").mkdir(parents=True)
    (journal.folder / "notes" / "kept.txt").write_text("mine")
    journal.remove()
    assert not journal.folder.exists()
    journal.remove()


def test_a_journal_that_cannot_be_removed_is_told_in_one_line(tmp_path, monkeypatch):
    journal = journal_of(tmp_path, 1)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(journal_module.shutil, "rmtree", refuse)
    with pytest.raises(DatasetError, match=r"cannot be deleted .Permission denied.; delete it"):
        journal.remove()


def test_a_long_journal_is_not_listed_all_the_time(tmp_path, monkeypatch):
    journal_of(tmp_path, 3)
    clock = iter([0.0, 1.0, 5.0, 22.0, 23.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    job = RenderJob(Scenario(), ("Town05",), "test", 9, 0, anomalies=True)
    seen = progress.Progress(tmp_path, job, WHOLE)
    seen.update(at_once=False)  # takes a second
    assert seen.kept == 3
    Journal(tmp_path, "test").keep(4, record(4))
    seen.update(at_once=False)
    assert seen.kept == 3
    seen.update(at_once=False)
    assert seen.kept == 4
