"""A scenario: the distribution of scenes that a person writes down in YAML."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hazardsim.errors import ConfigError
from hazardsim.resources import shipped
from hazardsim.yaml_files import read_yaml

Condition = Literal["clear", "cloudy", "wet", "rain", "fog"]
"""A word here has a row in `scenario.conditions`."""
Share = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Range = Annotated[tuple[float, float], Field(description="lowest and highest value, both reached")]
Count = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], Field()]


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One pinhole camera, mounted at windscreen height above the ego pose.

    Args:
        width_px: of the pictures.
        height_px: of the pictures.
        fov_deg: horizontal field of view.
        forward_m: from the ego pose, along its heading.
        up_m: above the road.
        pitch_deg: positive looks down.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    width_px: Annotated[int, Field(ge=16, le=8192)] = 1280
    height_px: Annotated[int, Field(ge=16, le=8192)] = 720
    fov_deg: Annotated[float, Field(gt=5, lt=170)] = 90.0
    forward_m: float = 0.5
    up_m: Annotated[float, Field(gt=0)] = 1.5
    pitch_deg: Annotated[float, Field(gt=-45, lt=45)] = 2.0


@dataclass(frozen=True, slots=True)
class EgoSpec:
    """Where the camera may stand on a driving lane.

    Args:
        lateral_m: beside the middle of the lane.
        yaw_deg: away from the direction of the lane.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    lateral_m: Range = (-0.4, 0.4)
    yaw_deg: Range = (-4.0, 4.0)


@dataclass(frozen=True, slots=True)
class WeatherSpec:
    """How often each condition occurs, and where the sun stands.

    Args:
        conditions: share of each condition; shares need not sum to one.
        sun_altitude_deg: above the horizon.
        sun_azimuth_deg: direction of the sun, as CARLA has it: 0 is east, 90 is south.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    conditions: dict[Condition, Share] = field(
        default_factory=lambda: {"clear": 4.0, "cloudy": 2.0, "wet": 1.0, "rain": 1.0, "fog": 1.0}
    )
    sun_altitude_deg: Range = (6.0, 65.0)
    sun_azimuth_deg: Range = (0.0, 360.0)


@dataclass(frozen=True, slots=True)
class TrafficSpec:
    """Vehicles on the driving lanes and pedestrians beside them, within `reach_m` ahead.

    Args:
        vehicles: how many are tried; one that finds no room is left away.
        pedestrians: likewise.
        reach_m: how far ahead they stand at most.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    vehicles: Count = (1, 5)
    pedestrians: Count = (0, 4)
    reach_m: Annotated[float, Field(gt=5)] = 70.0


@dataclass(frozen=True, slots=True)
class AnomalySpec:
    """How many anomalies stand in a scene, how far away, on the road or beside it.

    Args:
        count: how many.
        distance_m: from the camera.
        on_road: share that stands on the road; the rest stands beside it.
        scale: of the model; 1 is the size of the real thing.
        categories: of the split's models; all of them, if none is named.
        min_pixels: a frame in which one of them shows less is left out.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    count: Count = (1, 3)
    distance_m: tuple[Positive, Positive] = (5.0, 35.0)
    on_road: Annotated[float, Field(ge=0, le=1)] = 0.6
    scale: tuple[Positive, Positive] = (1.0, 1.0)
    categories: tuple[str, ...] = ()
    min_pixels: Annotated[int, Field(ge=1)] = 60


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that varies from scene to scene, and how.

    Args:
        name: as scenes carry it.
        camera: what takes the pictures.
        ego: where it stands.
        weather: conditions and sun.
        traffic: vehicles and pedestrians.
        anomalies: what is placed with --anomalies.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = "street-hazards"
    camera: CameraSpec = field(default_factory=CameraSpec)
    ego: EgoSpec = field(default_factory=EgoSpec)
    weather: WeatherSpec = field(default_factory=WeatherSpec)
    traffic: TrafficSpec = field(default_factory=TrafficSpec)
    anomalies: AnomalySpec = field(default_factory=AnomalySpec)


def scenario_names() -> list[str]:
    """Names of the scenarios that come with the package."""
    return sorted(path.stem for path in shipped("scenarios").glob("*.yaml"))


def load_scenario(name: str) -> Scenario:
    """Read a scenario by the name of a shipped one or by the path of a YAML file.

    Raises:
        ConfigError: the file is missing or not YAML, or a key or value is wrong or given twice; it is named.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = shipped("scenarios") / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(scenario_names())
            raise ConfigError(f"scenario {name!r} is not known; give a .yaml file or one of: {known}")
    data = read_yaml(path, ConfigError)
    return scenario_from_data({} if data is None else data, str(path))


def scenario_from_data(data: object, where: str) -> Scenario:
    """Check plain data against the scenario's fields.

    Raises:
        ConfigError: a key or a value is wrong; the message names it.
    """
    try:
        scenario = TypeAdapter(Scenario).validate_python(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_first_fault(error)}") from None
    for label, (low, high) in _ranges(scenario):
        if low > high:
            raise ConfigError(f"{where}: {label}: the lowest value {low:g} is above the highest {high:g}")
    if sum(scenario.weather.conditions.values()) <= 0:
        raise ConfigError(f"{where}: weather.conditions: at least one share must be above 0")
    return scenario


def scenario_to_data(scenario: Scenario) -> dict[str, object]:
    """Plain data, ready for JSON or YAML; `scenario_from_data` turns it back."""
    data: dict[str, object] = TypeAdapter(Scenario).dump_python(scenario, mode="json")
    return data


def _ranges(scenario: Scenario) -> list[tuple[str, tuple[float, float]]]:
    found = []
    for group in fields(scenario):
        spec = getattr(scenario, group.name)
        for item in fields(spec) if hasattr(spec, "__dataclass_fields__") else ():
            value = getattr(spec, item.name)
            if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, (int, float)) for v in value):
                found.append((f"{group.name}.{item.name}", value))
    return found


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "unexpected_keyword_argument":
        owner: Any = Scenario()
        for part in fault["loc"][:-1]:
            owner = getattr(owner, str(part))
        names = [item.name for item in fields(owner)]
        close = difflib.get_close_matches(str(fault["loc"][-1]), names, 1)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(names)}"
        return f"{where}: unknown key; {hint}"
    return f"{where or 'the file'}: {fault['msg']}"
