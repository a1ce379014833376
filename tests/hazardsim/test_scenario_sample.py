"""Sampling against a town made by hand: one straight road, a kerb, a wall, flat ground."""

import json
from dataclasses import replace

import carla
import numpy as np
import pytest

from hazardsim.catalogue.library import load_catalogue
from hazardsim.errors import ConfigError
from hazardsim.geometry.boxes import Box, BoxField, box_on_ground
from hazardsim.scenario.placement import project, seen_whole
from hazardsim.scenario.roads import Roads
from hazardsim.scenario.sample import sample_scene
from hazardsim.scenario.scene import scene_to_data
from hazardsim.scenario.spec import Scenario
from hazardsim.scenario.surroundings import GroundPoint, Surroundings
from hazardsim.street.blueprints import VEHICLES, WALKERS
from hazardsim.taxonomy import TAG

KERB_M = 0.15
SIZE = {v.blueprint: v.size_m for v in (*VEHICLES, *WALKERS)}
OSM = """<osm version="0.6">
<node id="1" lat="0.0" lon="-0.002" version="1" visible="true"/><node id="2" lat="0.0" lon="0.002" version="1"
 visible="true"/><way id="10" version="1" visible="true"><nd ref="1"/><nd ref="2"/>
<tag k="highway" v="residential"/><tag k="lanes" v="2"/></way></osm>"""


@pytest.fixture(scope="module")
def roads():
    return Roads("Straight", carla.Osm2Odr.convert(OSM, carla.Osm2OdrSettings()))


@pytest.fixture(scope="module")
def around(roads):
    centre = np.mean([(p.pose.x_m, p.pose.y_m) for p in roads.points], axis=0)
    half = max(abs(p.pose.y_m - centre[1]) for p in roads.points) + roads.points[0].width_m / 2

    def ground(x, y, z):
        on_road = abs(y - centre[1]) <= half
        return GroundPoint(0.0, TAG["Roads"]) if on_road else GroundPoint(KERB_M, TAG["Sidewalks"])

    wall = Box((float(centre[0]), float(centre[1] + half + 6), 1.0), (100.0, 0.2, 1.0))
    return Surroundings("Straight", roads, (wall,), ground, frozenset(SIZE))


@pytest.fixture(scope="module")
def assets():
    return tuple(a for a in load_catalogue().assets if a.split == "test" and a.id.startswith("procedural"))


@pytest.fixture(scope="module")
def scenes(around, assets):
    drawn = [sample_scene(Scenario(), 7, i, around, assets) for i in range(25)]
    return [scene for scene in drawn if scene is not None]


def test_most_scenes_find_room(scenes):
    assert len(scenes) >= 20


def test_a_scene_depends_on_its_index_alone(around, assets, scenes):
    for scene in (scenes[9], scenes[3]):
        assert sample_scene(Scenario(), 7, scene.index, around, assets) == scene
    assert sample_scene(Scenario(), 8, scenes[3].index, around, assets) != scenes[3]


def test_another_attempt_is_another_scene_of_the_same_slot(around, assets, scenes):
    first = scenes[3]
    again = sample_scene(Scenario(), 7, first.index, around, assets, attempt=1)
    assert (again.index, again.attempt, again.id) == (first.index, 1, f"{first.id}-1")
    assert again.ego != first.ego
    assert again == sample_scene(Scenario(), 7, first.index, around, assets, attempt=1)


def test_a_scene_is_plain_numbers(scenes):
    assert json.loads(json.dumps(scene_to_data(scenes[0])))["town"] == "Straight"


def test_nothing_meets_anything(scenes, around):
    for scene in scenes:
        boxes = [box_on_ground(a.pose, a.size_m) for a in scene.anomalies]
        boxes += [box_on_ground(a.pose, SIZE[a.blueprint]) for a in scene.actors]
        for i, box in enumerate(boxes):
            assert not BoxField((*boxes[:i], *boxes[i + 1 :])).meets(box), scene.id
            assert not BoxField(around.obstacles).meets(box), scene.id


def test_everything_stands_on_its_ground(scenes, around):
    for scene in scenes:
        for thing in (*scene.anomalies, *scene.actors):
            below = around.ground(thing.pose.x_m, thing.pose.y_m, 2.0)
            assert thing.pose.z_m == below.z_m, scene.id
        for anomaly in scene.anomalies:
            below = around.ground(anomaly.pose.x_m, anomaly.pose.y_m, 2.0)
            assert (below.tag == TAG["Roads"]) == (anomaly.place == "road")


def test_anomalies_are_seen_whole_and_large_enough(scenes):
    places = set()
    for scene in scenes:
        assert 1 <= len(scene.anomalies) <= 3
        for anomaly in scene.anomalies:
            places.add(anomaly.place)
            assert seen_whole(scene.camera, box_on_ground(anomaly.pose, anomaly.size_m)) >= 120
    assert places == {"road", "roadside"}


def test_weather_and_sun_stay_within_the_scenario(scenes):
    conditions = {scene.weather.condition for scene in scenes}
    assert len(conditions) >= 3
    assert all(6 <= scene.weather.sun_altitude_deg <= 65 for scene in scenes)
    assert all(len(scene.weather.values) == 14 for scene in scenes)


def test_without_assets_there_is_nothing_unusual(around):
    scene = sample_scene(Scenario(), 7, 0, around, ())
    assert scene.anomalies == ()


def test_no_anomaly_may_hide_another(scenes):
    for scene in scenes:
        eye = np.array([scene.camera.pose.x_m, scene.camera.pose.y_m, scene.camera.pose.z_m])
        things = [(a.pose, a.size_m) for a in scene.anomalies]
        things += [(a.pose, SIZE[a.blueprint]) for a in scene.actors]
        boxes = [box_on_ground(*thing) for thing in things]
        for i in range(len(scene.anomalies)):
            others = BoxField((*boxes[:i], *boxes[i + 1 :]))
            centre = np.array(boxes[i].centre_m)
            inner = centre + (boxes[i].corners() - centre) * 0.9
            assert not others.blocks(eye, inner).any(), scene.id


def test_a_count_from_zero_gives_scenes_without_anomalies(around, assets):
    scenario = replace(Scenario(), anomalies=replace(Scenario().anomalies, count=(0, 0)))
    assert sample_scene(scenario, 7, 0, around, assets).anomalies == ()


def test_an_unknown_category_is_named(around, assets):
    scenario = replace(Scenario(), anomalies=replace(Scenario().anomalies, categories=("unicorn",)))
    with pytest.raises(ConfigError, match="unicorn"):
        sample_scene(scenario, 7, 0, around, assets)


def test_blueprints_that_the_server_lacks_are_not_used(around):
    bare = replace(around, blueprints=frozenset())
    assert all(sample_scene(Scenario(), 7, i, bare, ()).actors == () for i in range(5))


def test_projection_is_the_pinhole_formula(scenes):
    camera = scenes[0].camera
    ahead = camera.pose.matrix() @ np.array([10.0, 0.0, 0.0, 1.0])
    right_down = camera.pose.matrix() @ np.array([10.0, -2.0, -1.0, 1.0])
    focal = camera.width_px / 2  # 90 degrees
    u, v, depth = project(camera, np.array([ahead[:3], right_down[:3]])).T
    np.testing.assert_allclose(depth, 10.0, atol=1e-9)
    np.testing.assert_allclose(u, [camera.width_px / 2, camera.width_px / 2 + focal * 0.2], atol=1e-9)
    np.testing.assert_allclose(v, [camera.height_px / 2, camera.height_px / 2 + focal * 0.1], atol=1e-9)
