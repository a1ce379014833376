import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.channels import wire
from hazardsim.errors import SimulatorError


def test_channels_are_taken_from_their_places():
    bgra = np.array([[[1, 2, 3, 255]]], dtype=np.uint8)
    assert wire.rgb_from_bgra(bgra).tolist() == [[[3, 2, 1]]]
    assert wire.tags_from_bgra(bgra).tolist() == [[3]]
    assert wire.ids_from_bgra(bgra).tolist() == [[2 + 256 * 1]]
    assert wire.depth_from_bgra(bgra).tolist() == [[3 + 256 * 2 + 65536 * 1]]


def test_the_published_instance_example_decodes():
    """CARLA PR 8334 gives (B, G, R) = (159, 49, 14): a car with id 159 * 256 + 49."""
    bgra = np.array([[[159, 49, 14, 255]]], dtype=np.uint8)
    assert wire.ids_from_bgra(bgra)[0, 0] == 159 * 256 + 49
    assert wire.tags_from_bgra(bgra)[0, 0] == 14


def test_a_picture_has_four_bytes_a_pixel():
    picture = wire.SensorImage(bytes(range(24)), 3, 2)
    assert picture.bgra().shape == (2, 3, 4)
    assert picture.bgra()[1, 0].tolist() == [12, 13, 14, 15]
    with pytest.raises(SimulatorError, match="2x2 has 4 bytes, expected 16"):
        wire.SensorImage(b"1234", 2, 2).bgra()


@given(st.lists(st.integers(1, 2**31), min_size=1, max_size=20, unique_by=lambda i: i & 0xFFFF))
def test_scene_instances_do_not_depend_on_the_servers_numbers(actor_ids):
    raw = np.array([[i & 0xFFFF for i in actor_ids] + [0]], dtype=np.uint16)
    if 0 in raw[0, :-1]:
        return
    seen = wire.scene_instances(raw, actor_ids)
    assert seen[0].tolist() == [*range(1, len(actor_ids) + 1), 0]


def test_town_objects_never_look_like_actors():
    seen = wire.scene_instances(np.array([[7, 0x8007, 40000]], dtype=np.uint16), [300])
    assert (seen >= wire.FIRST_TOWN_INSTANCE).all()
