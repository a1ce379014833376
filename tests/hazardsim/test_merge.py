import json
import shutil

import pytest

from hazardsim.channels import CHANNELS
from hazardsim.cli import main
from hazardsim.dataset.finish import finish_split
from hazardsim.dataset.merge import merge
from hazardsim.dataset.numbering import Slot, slot_of
from hazardsim.dataset.writer import SplitWriter
from hazardsim.errors import DatasetError

TOWNS = ["Town05", "Town06"]
RECIPE = {"seed": 7, "frames": 5, "towns": TOWNS}


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def fill(root, make_frame, numbers, recipe=RECIPE):
    writer = SplitWriter(root, "test", recipe)
    for number in numbers:
        slot = slot_of(number, TOWNS)
        if number == 3:
            writer.reject(slot, 0, "too dark")
        writer.keep(make_frame(slot.index, town=slot.town), number)
    return root


@pytest.fixture
def shards(tmp_path, make_frame):
    return [fill(tmp_path / "1", make_frame, [1, 3, 5]), fill(tmp_path / "2", make_frame, [2, 4])]


@pytest.fixture
def whole(tmp_path, make_frame):
    root = fill(tmp_path / "whole", make_frame, range(1, 6))
    finish_split(root, "test")
    return root


def test_towns_take_turns():
    assert [slot_of(number, TOWNS) for number in (1, 2, 3)] == [
        Slot(1, "Town05", 0),
        Slot(2, "Town06", 0),
        Slot(3, "Town05", 1),
    ]


def test_merged_shards_are_what_one_run_makes(tmp_path, shards, whole):
    before = [tree(shard) for shard in shards]
    assert merge(tmp_path / "out", shards) == ["test"]
    assert tree(tmp_path / "out") == tree(whole)
    assert [tree(shard) for shard in shards] == before


def test_the_command_says_where_the_set_is_or_what_is_wrong(tmp_path, capsys, shards, whole):
    assert main(["merge", str(tmp_path / "out"), str(shards[0])]) == 1
    assert "lacks 2 of 5 frames" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "out"), *map(str, shards)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}\n"
    assert tree(tmp_path / "out") == tree(whole)


def test_a_merge_may_go_into_one_of_the_shards(shards, whole):
    merge(shards[1], shards)
    assert tree(shards[1]) == tree(whole)


def test_a_finished_set_grows_by_a_merge(tmp_path, make_frame, shards, whole):
    grown = fill(tmp_path / "grown", make_frame, [1, 2, 3], {**RECIPE, "frames": 3})
    finish_split(grown, "test")
    merge(grown, shards)
    assert tree(grown) == tree(whole)


def test_an_interrupted_merge_goes_on(tmp_path, shards, whole, monkeypatch):
    copied = []

    def dying(path, chunks):
        copied.append(path)
        if len(copied) > 6:
            raise KeyboardInterrupt
        write_whole(path, chunks)

    from hazardsim.files import write_whole

    monkeypatch.setattr("hazardsim.dataset.merge.write_whole", dying)
    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "out", shards)
    monkeypatch.undo()
    assert not (tmp_path / "out/test/test.jsonl").exists()
    merge(tmp_path / "out", shards)
    assert tree(tmp_path / "out") == tree(whole)


def test_shards_of_other_recipes_are_refused(tmp_path, make_frame, shards):
    other = fill(tmp_path / "other", make_frame, [2, 4], {**RECIPE, "seed": 8})
    with pytest.raises(DatasetError, match="seed = 7, now it is 8"):
        merge(tmp_path / "out", [shards[0], other])
    assert not (tmp_path / "out").exists()


def test_a_missing_frame_is_named(tmp_path, shards):
    with pytest.raises(DatasetError, match="lacks 2 of 5 frames, the first is number 2"):
        merge(tmp_path / "out", shards[:1])
    assert not (tmp_path / "out/test/test.jsonl").exists()


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_tampered_file_is_named(tmp_path, shards, channel):
    row = CHANNELS[channel]
    (victim,) = (shards[0] / "test" / row.folder).rglob(f"3{row.suffix}")
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(DatasetError, match=rf"3\{row.suffix} is not the file"):
        merge(tmp_path / "out", shards)


def test_a_record_that_points_elsewhere_is_refused(tmp_path, shards):
    (record,) = (shards[1] / "test/.test.journal").glob("kept-*2.json")
    data = json.loads(record.read_text())
    data["files"]["images"]["path"] = "../../secret.png"
    record.write_text(json.dumps(data))
    with pytest.raises(DatasetError, match=r"2\.png is not the file"):
        merge(tmp_path / "out", shards)


def test_a_record_of_another_slot_is_refused(tmp_path, shards):
    (record,) = (shards[1] / "test/.test.journal").glob("kept-*2.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "index": 5}))
    with pytest.raises(DatasetError, match=r"frame 2 .* is not of this split"):
        merge(tmp_path / "out", shards)


def test_shards_that_disagree_about_a_frame_are_refused(tmp_path, make_frame, shards):
    shutil.copytree(shards[0], tmp_path / "copy")
    merge(tmp_path / "out", [*shards, tmp_path / "copy"])
    (record,) = (tmp_path / "copy/test/.test.journal").glob("kept-*3.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "versions": {}}))
    with pytest.raises(DatasetError, match=r"frame 3 .* differs"):
        merge(tmp_path / "again", [*shards, tmp_path / "copy"])


def test_folders_without_a_split_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="no split was begun"):
        merge(tmp_path / "out", [tmp_path])


@pytest.mark.parametrize("key", ["number", "town", "files", "scene"])
def test_a_record_that_lacks_something_is_one_line(tmp_path, shards, key):
    (record,) = (shards[1] / "test/.test.journal").glob("kept-*2.json")
    data = json.loads(record.read_text())
    del data[key]
    record.write_text(json.dumps(data))
    with pytest.raises(DatasetError, match="is damaged"):
        merge(tmp_path / "out", shards)


def test_a_damaged_manifest_line_is_one_line(tmp_path, whole, shards):
    manifest = whole / "test/test.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b"[1]\n")
    with pytest.raises(DatasetError, match="is damaged"):
        merge(tmp_path / "out", [whole, *shards])


def test_rejections_that_a_killed_tidying_left_are_not_written_twice(tmp_path, make_frame, whole):
    grown = {**RECIPE, "frames": 6}
    fill(tmp_path / "once", make_frame, range(1, 7), grown)
    finish_split(tmp_path / "once", "test")
    left = whole / "test/.test.journal"
    fill(tmp_path / "leftover", make_frame, range(1, 6))
    shutil.copytree(tmp_path / "leftover/test/.test.journal", left)
    fill(whole, make_frame, [6], grown)
    finish_split(whole, "test")
    assert tree(whole) == tree(tmp_path / "once")
