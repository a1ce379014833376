"""Drawing a scene: a function of (scenario, seed, town, index, attempt) and of what the town looks like."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from hazardsim.catalogue.asset import AnomalyAsset
from hazardsim.errors import ConfigError
from hazardsim.geometry.boxes import box_on_ground
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.conditions import sample_weather
from hazardsim.scenario.placement import ROAD, ROADSIDE, FreeSpace, beside, seen_whole
from hazardsim.scenario.roads import LanePoint
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene, SceneCamera
from hazardsim.scenario.spec import Scenario
from hazardsim.scenario.surroundings import Surroundings
from hazardsim.street.blueprints import VEHICLES, WALKERS

_TRIES = 60  # draws before a thing is left out; a scene with no anomaly at all is drawn again elsewhere
_VIEWS = 20
_STEP_M = 2.0  # half the width of the ring in which a lane point is looked for; points are 3 m apart
_TRAFFIC = tuple(v for v in VEHICLES if v.kind in {"car", "truck", "bus"})
_TRAFFIC_SHARE = {"car": 1.0, "truck": 0.5, "bus": 0.4}
# Weights after the common colours of new cars: white, black, grey, silver, blue, red, and a few others.
_PAINTS = ((235, 235, 232), (22, 22, 24), (95, 98, 102), (172, 175, 178), (28, 52, 110), (140, 20, 22), (196, 172, 120))


def sample_scene(
    scenario: Scenario,
    seed: int,
    index: int,
    surroundings: Surroundings,
    assets: Sequence[AnomalyAsset],
    attempt: int = 0,
) -> Scene | None:
    """Draw the scene of a town's slot `index`; with no `assets` it holds nothing unusual.

    Another `attempt` (from 0) gives another scene for the same slot, for where the earlier ones had to be left out.
    None where no anomaly found room in any of the views tried.

    Raises:
        ConfigError: the scenario asks for categories that none of the assets belongs to.
    """
    stream = [seed, zlib.crc32(surroundings.town.encode()), index]
    rng = np.random.default_rng([*stream, attempt] if attempt else stream)
    chosen = _of_categories(assets, scenario.anomalies.categories)
    weather = sample_weather(scenario.weather, rng)
    wanted = int(rng.integers(scenario.anomalies.count[0], scenario.anomalies.count[1] + 1)) if chosen else 0
    for _ in range(_VIEWS):
        ego, camera = _draw_view(scenario, surroundings, rng)
        space = FreeSpace(surroundings, camera, ego)
        anomalies = _draw_anomalies(scenario, chosen, wanted, space, rng)
        if wanted and not anomalies:
            continue
        actors = (*_draw_vehicles(scenario, space, rng), *_draw_pedestrians(scenario, space, rng))
        name = f"{surroundings.town}-{seed}-{index:06d}" + (f"-{attempt}" if attempt else "")
        return Scene(
            name, scenario.name, seed, index, surroundings.town, ego, camera, weather, actors, tuple(anomalies), attempt
        )
    return None


def _of_categories(assets: Sequence[AnomalyAsset], categories: tuple[str, ...]) -> tuple[AnomalyAsset, ...]:
    if not assets or not categories:
        return tuple(assets)
    known = sorted({a.category for a in assets})
    for category in categories:
        if category not in known:
            raise ConfigError(f"anomalies.categories: no model of category {category!r}; known: {', '.join(known)}")
    return tuple(a for a in assets if a.category in categories)


def _draw_view(scenario: Scenario, around: Surroundings, rng: np.random.Generator) -> tuple[Pose, SceneCamera]:
    point = around.roads.points[int(rng.integers(len(around.roads.points)))]
    right = float(rng.uniform(*scenario.ego.lateral_m))
    ego = beside(point, right, point.pose.yaw_deg + float(rng.uniform(*scenario.ego.yaw_deg)))
    spec = scenario.camera
    heading = np.radians(ego.yaw_deg)
    pose = Pose(
        round(float(ego.x_m + spec.forward_m * np.cos(heading)), 4),
        round(float(ego.y_m + spec.forward_m * np.sin(heading)), 4),
        round(ego.z_m + spec.up_m, 4),
        ego.yaw_deg,
        spec.pitch_deg,
    )
    return ego, SceneCamera(spec.width_px, spec.height_px, spec.fov_deg, pose)


def _draw_anomalies(
    scenario: Scenario, assets: tuple[AnomalyAsset, ...], wanted: int, space: FreeSpace, rng: np.random.Generator
) -> list[PlacedAnomaly]:
    """Anomalies go in first: they are the ones that must be seen whole."""
    categories = sorted({a.category for a in assets})
    placed: list[PlacedAnomaly] = []
    for _ in range(wanted):
        for _ in range(_TRIES):
            category = categories[int(rng.integers(len(categories)))]
            of_category = [a for a in assets if a.category == category]
            asset = of_category[int(rng.integers(len(of_category)))]
            found = _try_anomaly(scenario, asset, space, rng)
            if found is not None:
                space.occupy(found.pose, found.size_m, watched=True)
                placed.append(found)
                break
    return placed


def _try_anomaly(
    scenario: Scenario, asset: AnomalyAsset, space: FreeSpace, rng: np.random.Generator
) -> PlacedAnomaly | None:
    spec = scenario.anomalies
    scale = round(float(rng.uniform(*spec.scale)), 4)
    length, width, height = (round(v * scale, 4) for v in asset.size_m)
    size = (length, width, height)
    away = float(np.exp(rng.uniform(*np.log(spec.distance_m))))  # even in size on the picture, not in distance
    point = _point_ahead(space, rng, away - _STEP_M, away + _STEP_M)
    on_road = bool(rng.random() < spec.on_road)
    yaw = float(rng.uniform(0.0, 360.0))
    if point is None:
        return None
    reach = float(np.hypot(length, width)) / 2
    right = rng.uniform(-0.25, 0.25) * point.width_m if on_road else point.edge_m + reach + rng.uniform(0.2, 3.0)
    pose = beside(point, float(right), yaw)
    margin = 0.25
    if seen_whole(space.camera, box_on_ground(pose, size)) < 2 * spec.min_pixels or not space.fits(pose, size, margin):
        return None
    standing = space.on_ground(pose, size, ROAD if on_road else ROADSIDE)
    if standing is None or not space.fits(standing, size, margin) or not space.in_sight(standing, size):
        return None
    if seen_whole(space.camera, box_on_ground(standing, size)) < 2 * spec.min_pixels or space.hides_watched(
        standing, size
    ):
        return None
    return PlacedAnomaly(asset.id, asset.category, standing, scale, size, "road" if on_road else "roadside")


def _draw_vehicles(scenario: Scenario, space: FreeSpace, rng: np.random.Generator) -> list[PlacedActor]:
    choices = [v for v in _TRAFFIC if v.blueprint in space.surroundings.blueprints]
    low, high = scenario.traffic.vehicles
    wanted = int(rng.integers(low, high + 1)) if choices else 0
    shares = np.array([_TRAFFIC_SHARE[v.kind] for v in choices])
    placed: list[PlacedActor] = []
    for _ in range(wanted):
        vehicle = choices[int(rng.choice(len(choices), p=shares / shares.sum()))]
        paint = _PAINTS[int(rng.integers(len(_PAINTS)))]
        for _ in range(_TRIES):
            point = _point_ahead(space, rng, 9.0, scenario.traffic.reach_m)
            if point is None:
                continue
            pose = beside(point, float(rng.uniform(-0.2, 0.2)), point.pose.yaw_deg + float(rng.uniform(-1.5, 1.5)))
            if not space.fits(pose, vehicle.size_m, 0.5) or space.hides_watched(pose, vehicle.size_m):
                continue
            standing = space.on_ground(pose, vehicle.size_m, ROAD)
            if standing is None:
                continue
            space.occupy(standing, vehicle.size_m)
            placed.append(PlacedActor(vehicle.blueprint, standing, paint))
            break
    return placed


def _draw_pedestrians(scenario: Scenario, space: FreeSpace, rng: np.random.Generator) -> list[PlacedActor]:
    choices = [w for w in WALKERS if w.blueprint in space.surroundings.blueprints]
    low, high = scenario.traffic.pedestrians
    placed: list[PlacedActor] = []
    for _ in range(int(rng.integers(low, high + 1)) if choices else 0):
        walker = choices[int(rng.integers(len(choices)))]
        for _ in range(_TRIES):
            point = _point_ahead(space, rng, 5.0, scenario.traffic.reach_m * 0.6)
            if point is None:
                continue
            turn = float(rng.choice([0.0, 180.0])) + float(rng.uniform(-20, 20))
            pose = beside(point, point.edge_m + float(rng.uniform(0.5, 2.2)), point.pose.yaw_deg + turn)
            if not space.fits(pose, walker.size_m, 0.2) or space.hides_watched(pose, walker.size_m):
                continue
            standing = space.on_ground(pose, walker.size_m, ROADSIDE)
            if standing is None:
                continue
            space.occupy(standing, walker.size_m)
            placed.append(PlacedActor(walker.blueprint, standing))
            break
    return placed


def _point_ahead(space: FreeSpace, rng: np.random.Generator, low_m: float, high_m: float) -> LanePoint | None:
    roads = space.surroundings.roads
    found = roads.ahead(space.camera.pose, low_m, high_m, space.camera.fov_deg / 2)
    return roads.points[int(found[rng.integers(len(found))])] if len(found) else None
