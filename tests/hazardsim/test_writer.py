import json
import subprocess
import sys

import numpy as np
import pytest

from hazardsim.dataset.finish import finish_split, is_whole
from hazardsim.dataset.lock import hold_split
from hazardsim.dataset.numbering import Slot
from hazardsim.dataset.reader import read_all, read_split
from hazardsim.dataset.sheet import contact_sheet
from hazardsim.dataset.writer import SplitWriter
from hazardsim.errors import DatasetError
from hazardsim.files import write_whole
from hazardsim.taxonomy import street_hazards_from_tags

RECIPE = {"seed": 7, "frames": 3}


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def fill(root, make_frame, numbers, finish=True, recipe=RECIPE):
    writer = SplitWriter(root, "test", recipe)
    for number in numbers:
        if not writer.has(number):
            writer.keep(make_frame(number), number)
    if finish:
        finish_split(root, "test")
    return writer


def test_the_layout_is_that_of_streethazards(tmp_path, make_frame):
    fill(tmp_path, make_frame, range(1, 11), recipe={**RECIPE, "frames": 10})
    text = (tmp_path / "test/test.odgt").read_text()
    listing = json.loads(text)
    assert "\n" not in text
    assert [entry["fpath_img"] for entry in listing] == [f"images/test/t5/{n}.png" for n in (1, 10, *range(2, 10))]
    assert listing[0] == {
        "dbName": "StreetHazards",
        "width": 32,
        "height": 18,
        "fpath_img": "images/test/t5/1.png",
        "fpath_segm": "annotations/test/t5/1.png",
    }
    assert all((tmp_path / "test" / entry["fpath_segm"]).is_file() for entry in listing)


def test_what_is_written_is_read_back(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2], recipe={**RECIPE, "frames": 2})
    frames = list(read_split(tmp_path, "test"))
    for number, stored in enumerate(frames, start=1):
        made = make_frame(number)
        np.testing.assert_array_equal(stored.rgb(), made.rgb)
        np.testing.assert_array_equal(stored.labels(), street_hazards_from_tags(made.semantic))
        np.testing.assert_array_equal(stored.instances(), made.instance)
        np.testing.assert_array_equal(stored.depth(), made.depth)
        assert stored.record["anomalies"][0]["pixels"] == 64
    assert contact_sheet(frames, 64).shape == (2 * (36 + 26), 3 * 64 + 8, 3)


def test_an_interrupted_split_ends_in_the_same_bytes(tmp_path, make_frame):
    fill(tmp_path / "whole", make_frame, [1, 2, 3])
    fill(tmp_path / "resumed", make_frame, [1, 2], finish=False)
    fill(tmp_path / "resumed", make_frame, [1, 2, 3])
    assert tree(tmp_path / "whole") == tree(tmp_path / "resumed")


def test_writers_that_share_a_split_end_in_the_same_bytes(tmp_path, make_frame):
    fill(tmp_path / "whole", make_frame, [1, 2, 3])
    one, two = (SplitWriter(tmp_path / "shared", "test", RECIPE) for _ in range(2))
    two.keep(make_frame(2), 2)
    one.keep(make_frame(3), 3)
    one.keep(make_frame(1), 1)
    finish_split(tmp_path / "shared", "test")
    assert tree(tmp_path / "whole") == tree(tmp_path / "shared")


def test_a_left_out_scene_is_remembered(tmp_path, make_frame):
    recipe = {**RECIPE, "frames": 1}
    SplitWriter(tmp_path, "test", recipe).reject(Slot(1, "Town05", 0), 0, "too dark")
    again = SplitWriter(tmp_path, "test", recipe)
    assert not again.has(1)
    assert again.next_attempt(1) == 1
    again.keep(make_frame(0), 1)
    finish_split(tmp_path, "test")
    left_out = json.loads((tmp_path / "test/test.rejected.jsonl").read_text())
    assert left_out == {"number": 1, "town": "Town05", "index": 0, "attempt": 0, "reason": "too dark"}
    (frame,) = read_split(tmp_path, "test")
    assert (frame.record["town"], frame.record["index"], frame.record["attempt"]) == ("Town05", 0, 0)


def test_a_split_grows_and_is_readable_until_it_has_grown(tmp_path, make_frame):
    larger = {**RECIPE, "frames": 5}
    direct = SplitWriter(tmp_path / "direct", "test", larger)
    direct.reject(Slot(2, "Town05", 1), 0, "too dark")
    direct.reject(Slot(4, "Town05", 3), 0, "too dark")
    fill(tmp_path / "direct", make_frame, range(1, 6), recipe=larger)
    SplitWriter(tmp_path / "grown", "test", RECIPE).reject(Slot(2, "Town05", 1), 0, "too dark")
    fill(tmp_path / "grown", make_frame, [1, 2, 3])
    grown = SplitWriter(tmp_path / "grown", "test", larger)
    assert [grown.has(number) for number in range(1, 6)] == [True, True, True, False, False]
    grown.reject(Slot(4, "Town05", 3), 0, "too dark")
    grown.keep(make_frame(4), 4)
    assert [frame.number for frame in read_split(tmp_path / "grown", "test")] == [1, 2, 3]
    assert not is_whole(tmp_path / "grown", "test", 5)
    with pytest.raises(DatasetError, match="lacks 1 of 5 frames, the first is number 5"):
        finish_split(tmp_path / "grown", "test")
    grown.keep(make_frame(5), 5)
    finish_split(tmp_path / "grown", "test")
    assert tree(tmp_path / "grown") == tree(tmp_path / "direct")
    assert is_whole(tmp_path / "grown", "test", 5)


@pytest.mark.parametrize("lost", ["test.rejected.jsonl", "test.odgt", "test.jsonl"])
def test_a_finish_that_was_killed_is_repeated(tmp_path, make_frame, monkeypatch, lost):
    """The disk refuses one of the three lists; the next call ends in the bytes of an undisturbed one."""
    for name in ("whole", "killed"):
        writer = SplitWriter(tmp_path / name, "test", {**RECIPE, "frames": 2})
        writer.reject(Slot(1, "Town05", 0), 0, "too dark")
        fill(tmp_path / name, make_frame, [1, 2], recipe={**RECIPE, "frames": 2})
        SplitWriter(tmp_path / name, "test", RECIPE).reject(Slot(3, "Town05", 2), 0, "too dark")
        fill(tmp_path / name, make_frame, [3], finish=False)
    finish_split(tmp_path / "whole", "test")

    def full(path, chunks):
        if path.name == lost:
            raise DatasetError("full")
        write_whole(path, chunks)

    monkeypatch.setattr("hazardsim.dataset.finish.write_whole", full)
    with pytest.raises(DatasetError, match="full"):
        finish_split(tmp_path / "killed", "test")
    monkeypatch.undo()
    finish_split(tmp_path / "killed", "test")
    assert tree(tmp_path / "whole") == tree(tmp_path / "killed")


def test_drafts_of_killed_writers_are_swept(tmp_path, make_frame):
    fill(tmp_path / "clean", make_frame, [1, 2, 3])
    fill(tmp_path / "killed", make_frame, [1, 2, 3], finish=False)
    (tmp_path / "killed/test/images/test/t5/.2.png.77-1.part").write_bytes(b"half")
    finish_split(tmp_path / "killed", "test")
    assert tree(tmp_path / "clean") == tree(tmp_path / "killed")


def test_a_split_does_not_shrink(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2, 3])
    with pytest.raises(DatasetError, match="3 frames, now 2"):
        SplitWriter(tmp_path, "test", {**RECIPE, "frames": 2})


def test_a_part_says_that_it_is_one(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1], finish=False)
    with pytest.raises(DatasetError, match=r"1 of the 3 frames of a test split.*hazardsim merge"):
        list(read_all(tmp_path))


def test_another_recipe_is_refused_and_names_the_difference(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1], recipe={**RECIPE, "frames": 1})
    before = tree(tmp_path)
    with pytest.raises(DatasetError, match=r"seed = 7, now it is 8"):
        SplitWriter(tmp_path, "test", {**RECIPE, "seed": 8})
    assert tree(tmp_path) == before


@pytest.mark.parametrize(("first", "second"), [("", ""), ("", "1-of-2"), ("1-of-2", ""), ("1-of-2", "1-of-2")])
def test_two_runs_cannot_share_a_split(tmp_path, monkeypatch, first, second):
    monkeypatch.setattr("hazardsim.dataset.lock._PATIENCE_S", 0.1)
    with (
        hold_split(tmp_path, "test", first),
        pytest.raises(DatasetError, match="another process"),
        hold_split(tmp_path, "test", second),
    ):
        pass


def test_two_shards_can(tmp_path):
    with hold_split(tmp_path / "new", "test", "1-of-2"), hold_split(tmp_path / "new", "test", "2-of-2"):
        assert (tmp_path / "new").is_dir()
    assert not (tmp_path / "new").exists()  # nothing was begun


def test_a_damaged_manifest_line_is_named(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2], recipe={**RECIPE, "frames": 2})
    manifest = tmp_path / "test/test.jsonl"
    manifest.write_text(manifest.read_text().splitlines()[0] + "\n{oops\n")
    with pytest.raises(DatasetError, match="line 2"):
        list(read_all(tmp_path))


def test_an_empty_folder_says_how_to_fill_it(tmp_path):
    with pytest.raises(DatasetError, match="hazardsim render"):
        list(read_all(tmp_path))


def test_no_room_leaves_nothing_half_written(tmp_path):
    """The kernel refuses the write, as a full disk does (EFBIG here, ENOSPC there)."""
    code = f"""
import resource, signal
from pathlib import Path
from hazardsim.files import write_whole
from hazardsim.errors import DatasetError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_whole(Path({str(tmp_path)!r}) / "1.png", [b"x" * 5000])
except DatasetError as error:
    assert "1.png" in str(error) and "make room" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DatasetError, match="cannot write"):
        write_whole(blocked / "1.png", [b"x"])
    assert blocked.read_text() == ""
