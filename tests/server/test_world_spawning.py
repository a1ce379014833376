"""Blueprints, attributes, bodies and the register of actors, without a socket."""

from __future__ import annotations

import numpy as np
import pytest

from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.structs import (
    ActorAttributeValue,
    ActorDescription,
    EpisodeSettings,
    Rotation,
    Transform,
    Vector3D,
)
from hazardsim.server.renderables import FIRST_TOWN_ID
from hazardsim.server.world.attributes import colour, integer, number, truth
from hazardsim.server.world.blueprints import SECOND_GENERATION, BlueprintLibrary
from hazardsim.street import blueprints
from hazardsim.taxonomy import TAG

RGB_ATTRIBUTES = 43
NO_MESHES = ("", "chair", "/../x", "/Game/a/Static/Train/none/none.none", "/Game/a/Static/Train/chair/chair.stool")


@pytest.fixture
def world(service):
    """The service's world; stopped in time, so that tests alone change it."""
    world = service._world
    with world.lock:
        world.clock.settings = EpisodeSettings(synchronous_mode=True, fixed_delta_seconds=0.05)
    return world


def describe(world, name: str, **values: str) -> ActorDescription:
    definition = next(d for d in world.library.definitions() if d.id == name)
    types = {a.id: a.type for a in definition.attributes}
    given = tuple(ActorAttributeValue(key, types.get(key, 4), value) for key, value in values.items())
    return ActorDescription(definition.uid, name, given)


def at(x: float, y: float = 0.0, yaw: float = 0.0) -> Transform:
    return Transform(Vector3D(x, y, 0.0), Rotation(0.0, yaw, 0.0))


def mesh(folder: str, name: str = "chair") -> str:
    return f"/Game/hazardsim/Static/{folder}/{name}/{name}.{name}"


def test_blueprints_are_numbered_from_one_in_a_fixed_order(world):
    definitions = world.library.definitions()
    assert [d.uid for d in definitions] == list(range(1, len(definitions) + 1))
    assert [d.id for d in definitions] == sorted(d.id for d in definitions)


def test_cameras_have_every_attribute_of_carla(world):
    by_id = {d.id: {a.id: a for a in d.attributes} for d in world.library.definitions()}
    rgb = by_id["sensor.camera.rgb"]
    assert len(rgb) == RGB_ATTRIBUTES
    assert (rgb["fov"].value, rgb["fov"].type) == ("90.0", 3)
    assert (rgb["image_size_x"].value, rgb["image_size_x"].type) == ("800", 2)
    assert rgb["exposure_mode"].restrict_to_recommended
    assert rgb["ros_name"].value == "sensor.camera.rgb"
    for kind in ("depth", "semantic_segmentation", "instance_segmentation"):
        assert len(by_id[f"sensor.camera.{kind}"]) == 12
        assert "gamma" not in by_id[f"sensor.camera.{kind}"]
    assert by_id["static.prop.mesh"]["scale"].value == "1.0f"
    assert not by_id["vehicle.seat.leon"]["number_of_wheels"].is_modifiable
    assert by_id["vehicle.yamaha.yzf"]["number_of_wheels"].value == "2"
    assert by_id["vehicle.seat.leon"]["color"].type == 5
    assert len(by_id["vehicle.seat.leon"]["color"].recommended_values) > 1


def test_walkers_have_the_age_of_their_street_entry(world):
    ages = {d.id: a.value for d in world.library.definitions() for a in d.attributes if a.id == "age"}
    assert ages == {"walker.pedestrian.0001": "adult", "walker.pedestrian.0009": "child"}


def test_the_served_street_has_carlas_children_and_second_generation():
    """Source: Docs/catalogue_pedestrians.md and Docs/catalogue_vehicles.md of CARLA."""
    assert {w.blueprint[-4:] for w in blueprints.WALKERS if w.age == "child"} == {
        "0009", "0010", "0011", "0012", "0013", "0014",
    }  # fmt: skip
    assert {v.blueprint for v in blueprints.VEHICLES} >= SECOND_GENERATION
    library = BlueprintLibrary((), blueprints.VEHICLES, blueprints.WALKERS, TAG["Pedestrians"])
    values = {d.id: {a.id: a.value for a in d.attributes} for d in library.definitions()}
    assert values["vehicle.ford.crown"]["generation"] == "2"
    assert values["vehicle.ford.crown"]["has_lights"] == "true"
    assert values["vehicle.seat.leon"]["generation"] == "1"
    assert values["walker.pedestrian.0013"]["age"] == "child"
    assert {d.id for d in library.definitions() if values[d.id].get("generation") == "2"} == SECOND_GENERATION


def test_how_attribute_texts_are_read():
    assert [number(t) for t in ("1", "1.0f", "-2.5e1", ".5", "x", "", "nan", "1..2")] == [
        1.0, 1.0, -25.0, 0.5, None, None, None, None,
    ]  # fmt: skip
    assert [integer(t) for t in ("12", "-3", "1.0", "", "99999999999")] == [12, -3, None, None, None]
    assert [truth(t) for t in ("true", "False", "1", "0", "yes")] == [True, False, True, False, None]
    assert colour("255,0,51") == (1.0, 0.0, 0.2)
    assert [colour(t) for t in ("1,2", "256,0,0", "a,b,c")] == [None, None, None]


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("sensor.camera.rgb", {"fov": "wide"}, "fov"),
        ("sensor.camera.rgb", {"fov": "0"}, "fov"),
        ("sensor.camera.rgb", {"exposure_mode": "magic"}, "exposure_mode"),
        ("sensor.camera.rgb", {"image_size_y": "0"}, "image_size_y"),
        ("sensor.camera.rgb", {"image_size_x": "8192", "image_size_y": "8192"}, "pixels"),
        ("sensor.camera.rgb", {"lens_zoom": "1"}, "lens_zoom"),
        ("static.prop.mesh", {"scale": "0"}, "scale"),
        ("static.prop.mesh", {"mass": "heavy"}, "mass"),
        ("vehicle.seat.leon", {"color": "red"}, "color"),
    ],
)
def test_a_value_that_an_attribute_cannot_have_is_named(world, name, values, named):
    with pytest.raises(CallError, match=rf"invalid actor description: .*{named}"):
        world.spawn(describe(world, name, **values), at(0))


def test_a_description_of_nothing_is_refused(world):
    with pytest.raises(CallError, match="invalid actor description"):
        world.spawn(ActorDescription(1, "vehicle.none", ()), at(0))
    with pytest.raises(CallError, match="invalid actor description"):
        world.spawn(ActorDescription(9999, "vehicle.seat.leon", ()), at(0))


@pytest.mark.parametrize(("folder", "tag"), [("Train", 17), ("TrafficSign", 8), ("Pole", 6), ("Nonsense", 0)])
def test_the_tag_of_a_prop_is_the_folder_of_its_mesh(world, folder, tag):
    actor = world.spawn(describe(world, "static.prop.mesh", mesh_path=mesh(folder)), at(0))
    assert world.record(actor).semantic_tags == bytes([tag])
    (thing,) = [o for o in world.visible().objects if o.id == actor.id]
    assert {part.tag for part in thing.parts} == {tag}


def test_equal_props_share_their_parts_and_differ_in_scale_only_by_pose(world):
    one = world.spawn(describe(world, "static.prop.mesh", mesh_path=mesh("Train")), at(0))
    two = world.spawn(describe(world, "static.prop.mesh", mesh_path=mesh("Train"), scale="2"), at(9))
    other = world.spawn(describe(world, "static.prop.mesh", mesh_path=mesh("Pole")), at(18))
    a, b, c = (next(o for o in world.visible().objects if o.id == x.id) for x in (one, two, other))
    assert a.parts is b.parts
    assert a.key == b.key != c.key
    assert np.linalg.det(b.pose[:3, :3]) == pytest.approx(8.0)
    assert two.box().extent.z == pytest.approx(2 * one.box().extent.z)


@pytest.mark.parametrize("path", NO_MESHES)
def test_a_mesh_path_that_names_nothing_gives_no_body_and_one_line(world, caplog, path):
    actor = world.spawn(describe(world, "static.prop.mesh", mesh_path=path), at(0))
    assert actor.model is None
    assert actor.box().extent == Vector3D()
    assert world.visible().objects == ()
    assert sum("mesh_path" in record.getMessage() for record in caplog.records) == 1


def test_bodies_stand_in_each_others_way(world):
    car, walker = describe(world, "vehicle.seat.leon"), describe(world, "walker.pedestrian.0001")
    world.spawn(car, at(0))
    with pytest.raises(CallError, match="collision at spawn position"):
        world.spawn(walker, at(1.9))
    world.spawn(walker, at(2.5))
    world.spawn(car, at(0, 4.0, 90.0))
    with pytest.raises(CallError, match="collision at spawn position"):
        world.spawn(car, at(0, 2.0))


def test_ids_go_on_over_episodes_and_stay_below_those_of_the_town(world):
    car = describe(world, "vehicle.seat.leon")
    first = world.spawn(car, at(0)).id
    world.begin_episode(world.town)
    assert world.spectator.id == first + 1
    world.actors._next = FIRST_TOWN_ID - 1
    last = world.spawn(car, at(0)).id
    again = world.spawn(car, at(20)).id
    assert last == FIRST_TOWN_ID - 1
    assert again == 1
    world.actors._next = again
    assert world.spawn(car, at(40)).id == 2


def test_children_follow_and_stay_when_the_parent_goes(world):
    car = world.spawn(describe(world, "vehicle.seat.leon"), at(10, 0, 90))
    eye = world.spawn(describe(world, "sensor.camera.rgb"), at(2), car.id)
    where = world.actors.transform(eye).location
    assert (where.x, where.y) == pytest.approx((10.0, 2.0))
    world.place(car, at(20, 5, 180))
    where = world.actors.transform(eye).location
    assert (where.x, where.y) == pytest.approx((18.0, 5.0))
    world.actors.remove(car.id)
    assert eye.parent_id == 0
    left = world.actors.transform(eye).location
    assert (left.x, left.y) == pytest.approx((18.0, 5.0))


def test_a_view_does_not_change_with_the_world(world):
    car = world.spawn(describe(world, "vehicle.seat.leon"), at(0))
    eye = world.spawn(describe(world, "sensor.camera.rgb"), at(2), car.id)
    snapshot = world.snapshot(frozenset({eye.id}))
    world.place(car, at(50))
    world.hidden.add(FIRST_TOWN_ID)
    world.actors.remove(eye.id)
    assert [o.pose[0, 3] for o in snapshot.visible.objects] == [0.0]
    assert snapshot.visible.hidden == frozenset()
    assert snapshot.readings[0].measurement.cameras[0].pose[0, 3] == 2.0
    assert not snapshot.readings[0].measurement.cameras[0].pose.flags.writeable


def test_nothing_is_drawn_for_cameras_that_nobody_watches(world):
    eye = world.spawn(describe(world, "sensor.camera.depth"), at(0))
    assert world.snapshot(frozenset()).readings == ()
    assert [s.actor_id for s in world.snapshot(frozenset({eye.id})).readings] == [eye.id]
    assert world.record(eye).stream_token
    assert TAG["Pedestrians"] == 12
