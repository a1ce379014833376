import json
import subprocess
import sys

import numpy as np
import pytest

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
        if not writer.tried("Town05", number):
            writer.keep(make_frame(number), number)
    if finish:
        writer.finish()
    return writer


def test_the_layout_is_that_of_streethazards(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2, 10])
    text = (tmp_path / "test/test.odgt").read_text()
    listing = json.loads(text)
    assert "\n" not in text
    assert [entry["fpath_img"] for entry in listing] == [f"images/test/t5/{n}.png" for n in (1, 10, 2)]
    assert listing[0] == {
        "dbName": "StreetHazards",
        "width": 32,
        "height": 18,
        "fpath_img": "images/test/t5/1.png",
        "fpath_segm": "annotations/test/t5/1.png",
    }
    assert all((tmp_path / "test" / entry["fpath_segm"]).is_file() for entry in listing)


def test_what_is_written_is_read_back(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2])
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


def test_a_left_out_scene_is_remembered(tmp_path, make_frame):
    writer = SplitWriter(tmp_path, "test", RECIPE)
    writer.reject("Town05", 0, "too dark")
    del writer
    again = SplitWriter(tmp_path, "test", RECIPE)
    assert again.tried("Town05", 0)
    assert again.number_of("Town05", 0) is None
    again.keep(make_frame(1), 1)
    again.finish()
    assert json.loads((tmp_path / "test/test.rejected.jsonl").read_text())["rejected"] == "too dark"


def test_another_recipe_is_refused_and_names_the_difference(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1])
    before = tree(tmp_path)
    with pytest.raises(DatasetError, match=r"seed = 7, now it is 8"):
        SplitWriter(tmp_path, "test", {**RECIPE, "seed": 8})
    assert tree(tmp_path) == before


def test_two_writers_cannot_share_a_split(tmp_path):
    writer = SplitWriter(tmp_path, "test", RECIPE)
    with pytest.raises(DatasetError, match="another process"):
        SplitWriter(tmp_path, "test", RECIPE)
    del writer


def test_a_damaged_manifest_line_is_named(tmp_path, make_frame):
    fill(tmp_path, make_frame, [1, 2])
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
