"""The ordinary traffic: which CARLA blueprints exist here, how large they are, and their models."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Final, Literal

import numpy as np

from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import model, stand
from hazardsim.mesh.encoding import decoded_parts, encoded_parts
from hazardsim.mesh.materials import Colour, paint
from hazardsim.mesh.model import Model, Part
from hazardsim.street.car_forms import FORMS
from hazardsim.street.cars import car_parts
from hazardsim.street.cycles import cycle_parts
from hazardsim.street.fetched import fetched_vehicle, fetched_walker
from hazardsim.street.lorries import LORRIES, bus_parts, lorry_parts
from hazardsim.street.people import person_parts, random_appearance
from hazardsim.taxonomy import TAG
from hazardsim.user_cache import cache_root, remembered

Age = Literal["adult", "child"]
BaseType = Literal["car", "truck", "bus", "motorcycle", "bicycle"]

_TAG_NAME: Final[dict[BaseType, str]] = {
    "car": "Car",
    "truck": "Truck",
    "bus": "Bus",
    "motorcycle": "Motorcycle",
    "bicycle": "Bicycle",
}


@dataclass(frozen=True, slots=True)
class VehicleSpec:
    """A vehicle blueprint of CARLA 0.9.16: `size_m` = length, width over everything, height of our model."""

    blueprint: str
    kind: BaseType
    form: str
    size_m: tuple[float, float, float]
    wheels: int

    @property
    def tag(self) -> int:
        """The CARLA tag of its pixels."""
        return TAG[_TAG_NAME[self.kind]]


@dataclass(frozen=True, slots=True)
class WalkerSpec:
    """A pedestrian blueprint of CARLA 0.9.16: `size_m` = depth, width, height of our model; `age` as CARLA has it."""

    blueprint: str
    size_m: tuple[float, float, float]
    age: Age = "adult"


# Source: blueprint ids of CARLA 0.9.16's catalogue; sizes are those of the real vehicles, mirrors included.
VEHICLES: Final[tuple[VehicleSpec, ...]] = (
    VehicleSpec("vehicle.audi.a2", "car", "hatchback", (3.83, 1.90, 1.55), 4),
    VehicleSpec("vehicle.audi.etron", "car", "suv", (4.86, 2.14, 1.65), 4),
    VehicleSpec("vehicle.audi.tt", "car", "coupe", (4.18, 1.99, 1.38), 4),
    VehicleSpec("vehicle.bmw.grandtourer", "car", "wagon", (4.61, 2.06, 1.62), 4),
    VehicleSpec("vehicle.chevrolet.impala", "car", "sedan", (5.11, 2.08, 1.48), 4),
    VehicleSpec("vehicle.citroen.c3", "car", "hatchback", (3.99, 1.96, 1.52), 4),
    VehicleSpec("vehicle.dodge.charger_2020", "car", "sedan", (5.04, 2.10, 1.48), 4),
    VehicleSpec("vehicle.ford.mustang", "car", "coupe", (4.71, 2.06, 1.36), 4),
    VehicleSpec("vehicle.ford.crown", "car", "sedan", (5.38, 2.10, 1.50), 4),
    VehicleSpec("vehicle.jeep.wrangler_rubicon", "car", "offroad", (3.87, 1.95, 1.86), 4),
    VehicleSpec("vehicle.lincoln.mkz_2017", "car", "sedan", (4.93, 2.08, 1.48), 4),
    VehicleSpec("vehicle.lincoln.mkz_2020", "car", "sedan", (4.92, 2.08, 1.48), 4),
    VehicleSpec("vehicle.mercedes.coupe", "car", "coupe", (4.79, 2.02, 1.42), 4),
    VehicleSpec("vehicle.mini.cooper_s", "car", "hatchback", (3.72, 1.90, 1.42), 4),
    VehicleSpec("vehicle.nissan.micra", "car", "hatchback", (3.72, 1.84, 1.51), 4),
    VehicleSpec("vehicle.nissan.patrol", "car", "suv", (5.05, 2.14, 1.86), 4),
    VehicleSpec("vehicle.seat.leon", "car", "hatchback", (4.28, 2.00, 1.46), 4),
    VehicleSpec("vehicle.tesla.model3", "car", "sedan", (4.69, 2.07, 1.44), 4),
    VehicleSpec("vehicle.toyota.prius", "car", "wagon", (4.54, 1.98, 1.49), 4),
    VehicleSpec("vehicle.volkswagen.t2", "car", "minibus", (4.50, 1.96, 1.95), 4),
    VehicleSpec("vehicle.carlamotors.carlacola", "truck", "cola_lorry", (5.20, 2.55, 2.60), 4),
    VehicleSpec("vehicle.carlamotors.european_hgv", "truck", "heavy_lorry", (7.94, 2.86, 3.60), 6),
    VehicleSpec("vehicle.carlamotors.firetruck", "truck", "fire_engine", (8.47, 2.86, 3.45), 4),
    VehicleSpec("vehicle.ford.ambulance", "truck", "ambulance", (6.36, 2.50, 2.75), 4),
    VehicleSpec("vehicle.mercedes.sprinter", "truck", "van", (5.92, 2.24, 2.62), 4),
    VehicleSpec("vehicle.mitsubishi.fusorosa", "bus", "bus", (10.27, 2.80, 3.15), 4),
    VehicleSpec("vehicle.harley-davidson.low_rider", "motorcycle", "cruiser", (2.35, 0.88, 1.20), 2),
    VehicleSpec("vehicle.kawasaki.ninja", "motorcycle", "sport_motorcycle", (2.06, 0.77, 1.20), 2),
    VehicleSpec("vehicle.yamaha.yzf", "motorcycle", "sport_motorcycle", (2.06, 0.78, 1.18), 2),
    VehicleSpec("vehicle.vespa.zx125", "motorcycle", "scooter", (1.80, 0.72, 1.25), 2),
    VehicleSpec("vehicle.bh.crossbike", "bicycle", "sport_bicycle", (1.75, 0.62, 1.03), 2),
    VehicleSpec("vehicle.diamondback.century", "bicycle", "sport_bicycle", (1.72, 0.58, 1.00), 2),
    VehicleSpec("vehicle.gazelle.omafiets", "bicycle", "city_bicycle", (1.84, 0.64, 1.08), 2),
)

WALKERS: Final[tuple[WalkerSpec, ...]] = (
    WalkerSpec("walker.pedestrian.0001", (0.80, 0.57, 1.66)),
    WalkerSpec("walker.pedestrian.0002", (0.83, 0.55, 1.63)),
    WalkerSpec("walker.pedestrian.0003", (0.74, 0.60, 1.73)),
    WalkerSpec("walker.pedestrian.0004", (0.55, 0.57, 1.77)),
    WalkerSpec("walker.pedestrian.0005", (0.29, 0.54, 1.61)),
    WalkerSpec("walker.pedestrian.0006", (0.90, 0.65, 1.79)),
    WalkerSpec("walker.pedestrian.0007", (0.96, 0.62, 1.67)),
    WalkerSpec("walker.pedestrian.0008", (0.75, 0.58, 1.58)),
    WalkerSpec("walker.pedestrian.0009", (0.63, 0.48, 1.51), "child"),
    WalkerSpec("walker.pedestrian.0010", (0.62, 0.45, 1.41), "child"),
    WalkerSpec("walker.pedestrian.0011", (0.63, 0.55, 1.47), "child"),
    WalkerSpec("walker.pedestrian.0012", (0.81, 0.52, 1.42), "child"),
    WalkerSpec("walker.pedestrian.0013", (0.67, 0.42, 1.23), "child"),
    WalkerSpec("walker.pedestrian.0014", (0.59, 0.47, 1.31), "child"),
    WalkerSpec("walker.pedestrian.0015", (0.69, 0.54, 1.61)),
    WalkerSpec("walker.pedestrian.0016", (0.78, 0.59, 1.59)),
    WalkerSpec("walker.pedestrian.0017", (0.75, 0.59, 1.68)),
    WalkerSpec("walker.pedestrian.0018", (0.34, 0.61, 1.71)),
    WalkerSpec("walker.pedestrian.0019", (1.03, 0.56, 1.73)),
    WalkerSpec("walker.pedestrian.0020", (0.91, 0.59, 1.65)),
    WalkerSpec("walker.pedestrian.0021", (0.78, 0.65, 1.82)),
    WalkerSpec("walker.pedestrian.0022", (0.55, 0.57, 1.76)),
    WalkerSpec("walker.pedestrian.0023", (0.85, 0.59, 1.70)),
    WalkerSpec("walker.pedestrian.0024", (0.33, 0.64, 1.83)),
    WalkerSpec("walker.pedestrian.0025", (0.80, 0.63, 1.74)),
    WalkerSpec("walker.pedestrian.0026", (0.93, 0.65, 1.75)),
    WalkerSpec("walker.pedestrian.0027", (0.87, 0.62, 1.71)),
    WalkerSpec("walker.pedestrian.0028", (0.95, 0.56, 1.62)),
    WalkerSpec("walker.pedestrian.0029", (0.76, 0.57, 1.70)),
    WalkerSpec("walker.pedestrian.0030", (0.85, 0.58, 1.74)),
)


def vehicle_spec(blueprint: str) -> VehicleSpec:
    """The row of a vehicle blueprint.

    Raises:
        AssetError: there is no such vehicle.
    """
    for spec in VEHICLES:
        if spec.blueprint == blueprint:
            return spec
    raise AssetError(f"no vehicle {blueprint!r}; known: {', '.join(s.blueprint for s in VEHICLES)}")


def vehicle_model(blueprint: str, colour: Colour, cache: Path | None = None) -> Model:
    """The model of a vehicle blueprint, its body painted in `colour` (sRGB, 0..1).

    Comes from the fetched pack where the user's cache (or `cache`) holds one for it, and keeps within `size_m` then;
    else it is procedural and has exactly that size.

    Raises:
        AssetError: there is no such vehicle, or the cache is damaged.
    """
    return _vehicle_model(blueprint, colour, cache_root(cache))


@lru_cache(maxsize=128)
def _vehicle_model(blueprint: str, colour: Colour, cache: Path) -> Model:
    spec = vehicle_spec(blueprint)
    fetched = fetched_vehicle(blueprint, spec.size_m, colour, cache)
    if fetched is not None:
        return fetched
    coat = paint(colour)
    return model(blueprint, [replace(p, material=coat) if p.material.name == coat.name else p for p in _parts(spec)])


@cache
def _parts(spec: VehicleSpec) -> tuple[Part, ...]:
    """The procedural vehicle in some paint, which is only a material; kept in the user's cache, since it is costly."""
    return remembered(f"{spec.blueprint}.parts", partial(_vehicle_parts, spec), encoded_parts, decoded_parts)


def _vehicle_parts(spec: VehicleSpec) -> tuple[Part, ...]:
    primer = (0.5, 0.5, 0.5)
    if spec.form in FORMS:
        return car_parts(FORMS[spec.form], spec.size_m, primer)
    if spec.form in LORRIES:
        return lorry_parts(LORRIES[spec.form], spec.size_m, primer)
    if spec.kind == "bus":
        return bus_parts(spec.size_m, primer)
    return cycle_parts(spec.form, spec.size_m, primer)


def walker_model(blueprint: str, cache: Path | None = None) -> Model:
    """The model of a pedestrian blueprint `walker.pedestrian.NNNN`, as tall as its spec says.

    Comes from the fetched pack where the user's cache (or `cache`) holds one for it, else it is procedural.

    Raises:
        AssetError: there is no such pedestrian, or the cache is damaged.
    """
    return _walker_model(blueprint, cache_root(cache))


@lru_cache(maxsize=128)
def _walker_model(blueprint: str, cache: Path) -> Model:
    spec = walker_spec(blueprint)
    fetched = fetched_walker(blueprint, spec.size_m[2], cache)
    if fetched is not None:
        return fetched
    parts = remembered(f"{blueprint}.parts", partial(_walker_parts, spec), encoded_parts, decoded_parts)
    return model(blueprint, parts)


def _walker_parts(spec: WalkerSpec) -> tuple[Part, ...]:
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(spec.blueprint.encode()).digest()[:8], "little"))
    return stand(person_parts(random_appearance(rng, child=spec.age == "child")), spec.size_m)


def walker_spec(blueprint: str) -> WalkerSpec:
    """The row of a pedestrian blueprint.

    Raises:
        AssetError: there is no such pedestrian.
    """
    for spec in WALKERS:
        if spec.blueprint == blueprint:
            return spec
    raise AssetError(f"no walker {blueprint!r}; known: {WALKERS[0].blueprint} .. {WALKERS[-1].blueprint}")
