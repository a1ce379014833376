import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hazardsim.channels import png
from hazardsim.errors import DatasetError

SHAPE = st.tuples(st.integers(1, 9), st.integers(1, 9))


def _write(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("png") / "1.png"
    path.write_bytes(data)
    return path


@given(hnp.arrays(np.uint8, SHAPE, elements=st.integers(1, 14)))
def test_labels_round_trip(tmp_path_factory, labels):
    path = _write(tmp_path_factory, png.png_from_labels(labels))
    np.testing.assert_array_equal(png.labels_from_png(path), labels)


@given(hnp.arrays(np.uint16, SHAPE))
def test_instances_round_trip(tmp_path_factory, instances):
    path = _write(tmp_path_factory, png.png_from_instances(instances))
    np.testing.assert_array_equal(png.instances_from_png(path), instances)


@given(hnp.arrays(np.uint32, SHAPE, elements=st.integers(0, 2**24 - 1)))
def test_depth_round_trips(tmp_path_factory, depth):
    path = _write(tmp_path_factory, png.png_from_depth(depth))
    np.testing.assert_array_equal(png.depth_from_png(path), depth)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_rgb_round_trips(tmp_path_factory, rgb):
    path = _write(tmp_path_factory, png.png_from_rgb(rgb))
    np.testing.assert_array_equal(png.rgb_from_png(path), rgb)


@pytest.mark.parametrize("value", [0, 15, 255])
def test_a_label_outside_the_table_raises_and_never_wraps(value):
    with pytest.raises(DatasetError, match=str(value)):
        png.png_from_labels(np.full((2, 2), value, dtype=np.uint8))


def test_a_depth_over_24_bits_raises():
    with pytest.raises(DatasetError, match="24 bits"):
        png.png_from_depth(np.full((2, 2), 2**24, dtype=np.uint32))


def test_damaged_and_wrong_label_files_are_named(tmp_path):
    broken, colour, foreign = tmp_path / "broken.png", tmp_path / "colour.png", tmp_path / "foreign.png"
    broken.write_bytes(b"not a picture")
    colour.write_bytes(png.png_from_rgb(np.zeros((2, 2, 3), dtype=np.uint8)))
    foreign.write_bytes(png._encode(np.full((2, 2), 200, dtype=np.uint8)))
    for path in (broken, colour, foreign, tmp_path / "missing.png"):
        with pytest.raises(DatasetError, match=path.name):
            png.labels_from_png(path)


def test_equal_pictures_are_equal_bytes():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert png.png_from_rgb(picture) == png.png_from_rgb(picture.copy())
