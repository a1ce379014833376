"""What follows from code alone is made once, and never taken from another version of the code or a damaged file."""

import json

import numpy as np
import pytest

from hazardsim import user_cache
from hazardsim.server.render.textures import SurfaceImage
from hazardsim.user_cache import remembered


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HAZARDSIM_CACHE", str(tmp_path))
    return tmp_path / "derived"


@pytest.fixture
def recall():
    """Remembers a list; how often it was made is its first number."""
    made = []

    def call():
        def make():
            made.append(None)
            return [len(made), 0.1]

        return remembered("numbers.json", make, lambda value: json.dumps(value).encode(), json.loads)

    return call


def test_it_is_made_once(recall):
    assert [recall(), recall(), recall()] == [[1, 0.1]] * 3


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:-1] + b"}", lambda b: b"", lambda b: b"\0" + b[1:]])
def test_a_damaged_file_is_made_anew(recall, folder, damage):
    recall()
    (path,) = folder.glob("*/numbers.json")
    path.write_bytes(damage(path.read_bytes()))
    assert recall() == [2, 0.1]
    assert recall() == [2, 0.1]


def test_another_version_of_the_code_makes_its_own(recall, folder, monkeypatch):
    recall()
    for version in ("a", "b", "c", "d", "e"):
        monkeypatch.setattr(user_cache, "code_version", lambda version=version: version)
        assert recall()[0] > 1
    assert len(list(folder.iterdir())) == 3
    assert (folder / "e").is_dir()


def test_a_cache_that_cannot_be_written_costs_time_only(recall, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("HAZARDSIM_CACHE", str(tmp_path / "file"))
    assert [recall()[0], recall()[0]] == [1, 2]


@pytest.mark.parametrize("relief", [None, np.arange(7, dtype=np.uint32)])
def test_a_surface_comes_back_bit_by_bit(relief):
    image = SurfaceImage(4, 0.1 + 0.2, (0.1, 1 / 3, 0.0), 1.7, np.arange(5, dtype=np.uint32) * 2**29, relief)
    back = SurfaceImage.decoded(image.encoded())
    assert (back.size, back.period_m, back.fixed, back.largest) == (4, 0.1 + 0.2, (0.1, 1 / 3, 0.0), 1.7)
    np.testing.assert_array_equal(back.texels, image.texels)
    assert back.texels.dtype == np.uint32
    if relief is None:
        assert back.relief is None
    else:
        np.testing.assert_array_equal(back.relief, relief)
