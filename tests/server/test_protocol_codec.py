"""Values to and from msgpack's plain objects."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.server.protocol import structs
from hazardsim.server.protocol.codec import U8, WireError, decode, encode

numbers = st.floats(
    width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**99), max_value=2.0**99, allow_subnormal=False
)
texts = st.text(max_size=12)
vectors = st.builds(structs.Vector3D, numbers, numbers, numbers)
transforms = st.builds(structs.Transform, vectors, st.builds(structs.Rotation, numbers, numbers, numbers))
boxes = st.builds(structs.BoundingBox, vectors, vectors, st.builds(structs.Rotation, numbers, numbers, numbers))
bytes_ = st.integers(0, 255)
values = st.builds(structs.ActorAttributeValue, texts, bytes_, texts)
attributes = st.builds(
    structs.ActorAttribute, texts, bytes_, texts, st.lists(texts, max_size=3).map(tuple), st.booleans(), st.booleans()
)
ids = st.integers(0, 2**32 - 1)
descriptions = st.builds(structs.ActorDescription, ids, texts, st.lists(values, max_size=3).map(tuple))
anything = st.one_of(
    st.tuples(st.just(structs.Transform), transforms),
    st.tuples(st.just(structs.BoundingBox), boxes),
    st.tuples(
        st.just(structs.ActorDefinition),
        st.builds(structs.ActorDefinition, ids, texts, texts, st.lists(attributes, max_size=3).map(tuple)),
    ),
    st.tuples(
        st.just(structs.ActorRecord),
        st.builds(structs.ActorRecord, ids, ids, descriptions, boxes, st.binary(max_size=4), st.binary(max_size=24)),
    ),
    st.tuples(
        st.just(structs.EpisodeSettings),
        st.builds(structs.EpisodeSettings, fixed_delta_seconds=st.none() | numbers, max_substeps=st.integers(1, 16)),
    ),
    st.tuples(st.just(structs.MapInfo), st.builds(structs.MapInfo, texts, st.lists(transforms, max_size=3).map(tuple))),
    st.tuples(st.just(structs.VehicleControl), st.builds(structs.VehicleControl, numbers, numbers, numbers)),
)


@given(anything)
def test_a_struct_survives_the_wire(case):
    kind, value = case
    packed = msgpack.packb(encode(kind, value))
    assert decode(kind, msgpack.unpackb(packed)) == value


def test_golden_bytes_of_a_transform_and_a_token():
    transform = structs.Transform(structs.Vector3D(1.0, -2.0, 0.5), structs.Rotation(0.0, 90.0, 0.0))
    assert msgpack.packb(encode(structs.Transform, transform)).hex() == (
        "9293cb3ff0000000000000cbc000000000000000cb3fe000000000000093cb0000000000000000cb4056800000000000cb0000000000000000"
    )
    token = structs.StreamToken(bytes(range(24)))
    assert msgpack.packb(encode(structs.StreamToken, token)).hex() == "91c418" + bytes(range(24)).hex()


def test_golden_shape_of_the_settings_of_a_fresh_server():
    wire = [False, False, [False], True, 0.01, 10, 0.0, True, 3000.0, 2000.0, True]
    assert encode(structs.EpisodeSettings, structs.EpisodeSettings()) == wire
    assert encode(structs.EpisodeSettings, structs.EpisodeSettings(fixed_delta_seconds=0.05))[2] == [True, 0.05]


def test_whole_numbers_are_taken_where_floats_are_declared():
    assert decode(structs.Vector3D, [1, 2.5, -3]) == structs.Vector3D(1.0, 2.5, -3.0)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (structs.Vector3D, [1.0, 2.0], "location: expected 3 fields, got 2"),
        (structs.Vector3D, [1.0, 2.0, "x"], "location.z: expected a number, got str"),
        (structs.Vector3D, [1.0, 2.0, float("nan")], "location.z: nan is not a finite number"),
        (structs.Vector3D, [1.0, 2.0, 1e200], "location.z: 1e+200 does not fit a 32-bit float"),
        (structs.Vector3D, None, "location: expected an array, got NoneType"),
        (structs.VehicleLightState, [2**32], "location.flags: 4294967296 does not fit 32 bits"),
        (structs.VehicleLightState, [True], "location.flags: expected an integer, got bool"),
        (U8, -1, "location: -1 does not fit 8 bits"),
        (float | None, [True], "location: expected [false] or [true, value]"),
        (float | None, [False, 1.0], "location: expected [false] or [true, value]"),
        (structs.StreamToken, ["text"], "location.data: expected bytes, got str"),
    ],
)
def test_a_wrong_value_is_refused_by_name(kind, value, message):
    with pytest.raises(WireError) as caught:
        decode(kind, value, "location")
    assert str(caught.value) == message
