"""What `hazardsim render` refuses before anything starts."""

import dataclasses

import pytest

from hazardsim.cli import main
from hazardsim.commands import render
from hazardsim.dataset.recipe_file import compare_recipe, record_recipe
from hazardsim.errors import DatasetError
from hazardsim.jobs.recipe import recipe_of


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--server", "127.0.0.1:2000", "--samples", "4"], "--samples 4"),
        (["--server", "127.0.0.1:2000", "--variant", "llvm_ad_rgb"], "--variant llvm_ad_rgb"),
        (["--server", "127.0.0.1:2000", "--workers", "2"], "--workers 2"),
        (["--server", "127.0.0.1"], "HOST:PORT"),
        (["--workers", "0"], "--workers 0"),
        (["--warm-up", "-1"], "--warm-up -1"),
        (["--shard", "3/2"], "I from 1 to N"),
        (["--shard", "0/2"], "I from 1 to N"),
        (["--shard", "half"], "I from 1 to N"),
        (["--executor", "cloud"], "executor 'cloud'"),
        (["--width", "0"], "16..8192"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(tmp_path, capsys, arguments, words):
    assert main(["render", *arguments, "--out", str(tmp_path / "out")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert words in lines[0]
    assert not (tmp_path / "out").exists()


def test_a_split_whose_town_has_changed_is_not_continued(tmp_path, monkeypatch):
    """The recipe holds the hash of each map that is read on this machine, shipped or the user's own."""
    job = render.Render(town=("Town01", "Town02"))._job()
    assert set(job.town_files) == {"Town01", "Town02"}
    record_recipe(tmp_path, "training", recipe_of(job, "models"))
    monkeypatch.setattr(render, "shipped_town", lambda name: edited if name == "Town02" else tmp_path / "none")
    edited = tmp_path / "Town02.osm"
    edited.write_text("<osm/>")
    changed = dataclasses.replace(job, town_files=job.town_files | render._towns(("Town02",), embedded=True)[1])
    with pytest.raises(DatasetError, match=r"made with town_files\.Town02 = .*, now it is .*choose another --out"):
        compare_recipe(tmp_path, "training", recipe_of(changed, "models"))
    assert render._towns(("Town02",), embedded=False)[1] == {}
    assert render._towns((str(edited),), embedded=True) == (("Town02",), {"Town02": changed.town_files["Town02"]})
