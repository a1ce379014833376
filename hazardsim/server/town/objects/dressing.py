"""Features become buildings, plants, furniture, signs and traffic lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.outline import fitted_box, polygons
from hazardsim.mesh.solid import Floats
from hazardsim.server.town import materials
from hazardsim.server.town.buildings.building import raise_building
from hazardsim.server.town.buildings.style import building_style
from hazardsim.server.town.ground.areas import KERB_M, Ground
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.maps.network import Network, pose_at
from hazardsim.server.town.models.furniture import FURNITURE
from hazardsim.server.town.models.plants import TREES, bush, tree, tufts
from hazardsim.server.town.models.signs import SIGNS
from hazardsim.server.town.objects.barriers import raise_barrier
from hazardsim.server.town.objects.contents import TownContents
from hazardsim.taxonomy import TAG

_LEAST_FOOTPRINT_M2 = 6.0
_FAR_M = 14.0

# key, value of an OSM node -> model, tag of the object.
_NODES: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("highway", "street_lamp", "street_lamp", "Poles"),
    ("barrier", "bollard", "bollard", "Poles"),
    ("amenity", "bench", "bench", "Static"),
    ("amenity", "waste_basket", "litter_bin", "Static"),
    ("amenity", "waste_disposal", "wheelie_bin", "Static"),
    ("emergency", "fire_hydrant", "hydrant", "Static"),
    ("amenity", "post_box", "post_box", "Static"),
    ("man_made", "street_cabinet", "cabinet", "Static"),
    ("man_made", "planter", "planter", "Static"),
    ("highway", "bus_stop", "bus_shelter", "Static"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Dresser:
    """Places features of one town."""

    network: Network
    ground: Ground
    contents: TownContents
    seed: int

    def rng_at(self, place: Floats) -> np.random.Generator:
        """A generator for one place, so that no feature changes another."""
        spot = [int(abs(v) * 100) for v in place[:2]]
        return np.random.default_rng([self.seed, *spot, int(place[0] < 0), int(place[1] < 0)])

    def buildings(self, features: Sequence[Feature]) -> None:
        """Raise every building, cut back where its footprint would reach into the carriageway."""
        keep_off = self.ground.road.buffer(0.4)
        shapes: list[tuple[shapely.Polygon, Feature]] = []
        for feature in features:
            if feature.tags.get("building", "no") == "no":
                continue
            cut = feature.area().difference(keep_off)
            rest = max(polygons(cut), key=lambda p: float(p.area), default=None)
            if rest is not None and rest.area > _LEAST_FOOTPRINT_M2:
                shapes += [(p, feature) for p in polygons(rest.simplify(0.05))]
        tree_of = shapely.STRtree([s for s, _ in shapes])
        shapely.prepare(self.ground.road)
        for k, (shape, feature) in enumerate(shapes):
            near = [shapes[int(i)][0] for i in sorted(tree_of.query(shape.buffer(1.0))) if int(i) != k]
            middle = np.array(shape.centroid.coords)[0]
            rng = self.rng_at(middle)
            style = building_style(feature, float(shape.area), rng)
            z = self.ground.height(float(middle[0]), float(middle[1])) - 0.02
            number, others = self.contents.next_id, shapely.union_all(near)
            raise_building(self.contents.builder, shape, style, number, z, self.ground.road, others, rng)
            ring = np.array(fitted_box(shape).exterior.coords)[:, :2]
            side = ring[1] - ring[0]
            frame = pose_at(np.array([*ring[:4].mean(axis=0), z]), float(np.arctan2(side[1], side[0])))
            self.contents.add_static_object("building", TAG["Buildings"], frame)

    def barriers(self, features: Sequence[Feature]) -> None:
        """Fences, walls, hedges, guard rails."""
        for feature in features:
            if "barrier" in feature.tags and len(feature.points) > 1:
                z = self.ground.height(*(float(v) for v in feature.points[0]))
                raise_barrier(self.contents, feature, z, self.ground.road, self.rng_at(feature.points[0]))

    def plants(self, features: Sequence[Feature]) -> None:
        """Trees and shrubs, and grass tufts at the verges."""
        for feature in features:
            kind = feature.tags.get("natural")
            if len(feature.points) != 1 or kind not in ("tree", "shrub"):
                continue
            x, y = (float(v) for v in feature.points[0])
            rng = self.rng_at(feature.points[0])
            if kind == "shrub":
                key = f"bush_{int(rng.integers(0, 3))}"
                self._model(key)
            else:
                kinds = ("spruce",) if feature.tags.get("leaf_type") == "needleleaved" else tuple(TREES)[:5]
                told = feature.tags.get("species", "")
                name = told if told in TREES else kinds[int(rng.integers(0, len(kinds)))]
                is_far = shapely.distance(self.ground.road, shapely.Point(x, y)) > _FAR_M
                key = f"tree_{name}_{int(rng.integers(0, 2))}{'_far' if is_far else ''}"
                self._model(key)
            turn, scale = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.85, 1.08))
            shape = self.contents.footprint(key, x, y, turn, scale)
            if shape.intersects(self.ground.lanes):
                continue
            place = np.array([x, y, self.ground.height(x, y) - 0.01])
            self.contents.place_model("tree" if kind == "tree" else "bush", TAG["Vegetation"], key, place, turn, scale)

    def verges(self) -> None:
        """Tufts of grass where the sidewalk meets the lawn."""
        if not self.ground.is_flat:
            return
        rng = np.random.default_rng([self.seed, 77])
        edge = self.ground.built.boundary
        count = int(min(edge.length / 1.1, 2600))
        at = rng.uniform(0, edge.length, count)
        spots = shapely.get_coordinates(shapely.line_interpolate_point(shapely.line_merge(edge), at))
        spots = spots + rng.normal(size=spots.shape) * 0.10
        dry = ~shapely.intersects(self.ground.water.buffer(0.5), shapely.points(spots))
        outside = ~shapely.intersects(self.ground.road.buffer(0.5), shapely.points(spots))
        spots = spots[dry & outside]
        points = np.column_stack([spots, np.full(len(spots), float(self.ground.samples[0, 2]) + KERB_M)])
        builder = self.contents.builder
        builder.add(tufts(points, rng), materials.tint("tuft", "foliage", (0.34, 0.43, 0.18), 0.8), TAG["Vegetation"])

    def furniture(self, features: Sequence[Feature]) -> None:
        """Lamps, benches, bins and so on; they look at the road."""
        for feature in features:
            for key, value, model, tag in _NODES:
                if len(feature.points) == 1 and feature.tags.get(key) == value:
                    self._beside_road(feature.points[0], model, tag)
                    break

    def _beside_road(self, point: Floats, model: str, tag: str) -> None:
        x, y = (float(v) for v in point)
        here = shapely.Point(x, y)
        nearest = shapely.get_coordinates(shapely.shortest_line(self.ground.road, here))[0]
        distance = float(np.hypot(nearest[0] - x, nearest[1] - y))
        if distance < 0.25:
            return
        if model == "street_lamp" and distance > 2.5:
            model = "park_lamp"
        turn = float(np.arctan2(nearest[1] - y, nearest[0] - x))
        self._model(model)
        if self.contents.footprint(model, x, y, turn).intersects(self.ground.road):
            return
        place = np.array([x, y, self.ground.height(x, y)])
        self.contents.place_model(model, TAG[tag], model, place, turn)

    def signs(self, features: Sequence[Feature]) -> None:
        """Traffic signs, turned to the traffic of the nearest lane."""
        driving = [s for s in self.network.driving() if s.junction < 0]
        edges = shapely.STRtree([shapely.LineString(s.edge(-1.0)[:, :2]) for s in driving])
        for feature in features:
            told = feature.tags.get("traffic_sign", "")
            if not told or len(feature.points) != 1:
                continue
            x, y = (float(v) for v in feature.points[0])
            here = shapely.Point(x, y)
            if here.buffer(0.1).intersects(self.ground.road):
                continue
            strip = driving[int(edges.nearest(here))]
            nearest = int(np.linalg.norm(strip.centre[:, :2] - (x, y), axis=1).argmin())
            turn = float(strip.heading_rad[nearest]) + np.pi
            key = _sign_model(told)
            self._model(key)
            place = np.array([x, y, self.ground.height(x, y)])
            self.contents.place_model("traffic_sign", TAG["TrafficSigns"], key, place, turn)

    def lights(self, legs: Sequence[JunctionLeg]) -> None:
        """A traffic light on the right of every leg that has them; opposite legs show the same."""
        for leg in legs:
            if not leg.is_lit or not leg.incoming:
                continue
            outer = max(leg.incoming, key=lambda s: abs(s.lane))
            turn = float(outer.heading_rad[-1])
            right = np.array([np.sin(turn), -np.cos(turn)])
            edge = outer.edge(-1.0)[-1, :2] - np.array([np.cos(turn), np.sin(turn)]) * 0.8
            first = min(a.away_rad % np.pi for a in legs if a.junction == leg.junction)
            apart = (leg.away_rad % np.pi) - first
            is_green = min(apart, np.pi - apart) < np.pi / 4
            reach = {1: "post", 2: "arm"}.get(len(leg.incoming), "long")
            key = f"light_{reach}_{'green' if is_green else 'red'}"
            for out in (0.7, 1.2, 2.0):
                x, y = (float(v) for v in edge + right * out)
                if not shapely.Point(x, y).buffer(0.25).intersects(self.ground.road):
                    self._model(key)
                    place = np.array([x, y, self.ground.height(x, y)])
                    self.contents.place_model("traffic_light", TAG["TrafficLight"], key, place, turn + np.pi)
                    break

    def _model(self, key: str) -> None:
        if key in self.contents.models:
            return
        if key.startswith("tree_"):
            _, name, variant, *far = key.split("_")
            parts = tree(name, int(variant), bool(far))
        elif key.startswith("bush_"):
            parts = bush(int(key[5:]))
        else:
            parts = (FURNITURE | SIGNS)[key]()
        self.contents.add_model(key, parts)


def _sign_model(told: str) -> str:
    """The model for an OSM `traffic_sign`: human words, or German numbers such as DE:274-30."""
    code = told.split(",")[0].split(";")[0]
    numbers = {
        "205": "give_way",
        "206": "stop",
        "306": "priority",
        "301": "priority",
        "267": "no_entry",
        "350": "crossing",
    }
    word = code.split(":")[-1]
    if code.startswith("maxspeed") or word.startswith("274"):
        digits = "".join(c for c in word.replace("274", "", 1) if c.isdigit())
        limit = int(digits) if digits and word.startswith("274") else int(word) if word.isdigit() else 50
        return f"sign_speed_{min((30, 50, 60, 70, 90), key=lambda v: abs(v - limit))}"
    kind = numbers.get(word.split("-")[0], word)
    return f"sign_{kind}" if f"sign_{kind}" in SIGNS else "sign_parking" if word.startswith("314") else "sign_warning"
