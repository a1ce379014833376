"""A scene: every number fixed. Its JSON round-trips, and any scene can be made again alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter

from hazardsim.geometry.poses import Pose


@dataclass(frozen=True, slots=True)
class SceneCamera:
    """A pinhole camera: size in pixels, horizontal field of view in degrees, pose in the world."""

    width_px: int
    height_px: int
    fov_deg: float
    pose: Pose


@dataclass(frozen=True, slots=True)
class SceneWeather:
    """A condition and the fourteen numbers of `carla.WeatherParameters` that make it, in CARLA's order."""

    condition: str
    values: tuple[float, ...]

    @property
    def sun_altitude_deg(self) -> float:
        """Height of the sun above the horizon."""
        return self.values[5]


@dataclass(frozen=True, slots=True)
class PlacedActor:
    """A vehicle or a pedestrian; `colour` is sRGB 0..255, None where the blueprint has none."""

    blueprint: str
    pose: Pose
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class PlacedAnomaly:
    """An anomaly model standing in the scene; `place` is "road" or "roadside"."""

    asset_id: str
    category: str
    pose: Pose
    scale: float
    size_m: tuple[float, float, float]
    place: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture to take: depends on (scenario, seed, town, index, attempt) only.

    `index` is the frame's slot in its town; where the first `attempt`, number 0, was left out, the next one follows.
    """

    id: str
    scenario: str
    seed: int
    index: int
    town: str
    ego: Pose
    camera: SceneCamera
    weather: SceneWeather
    actors: tuple[PlacedActor, ...]
    anomalies: tuple[PlacedAnomaly, ...]
    attempt: int = 0

    def without_anomalies(self) -> Scene:
        """The same scene with nothing unusual in it."""
        return replace(self, anomalies=())


def scene_to_data(scene: Scene) -> dict[str, object]:
    """Plain data, ready for JSON."""
    return asdict(scene)


def scene_from_data(data: object) -> Scene:
    """The scene that `scene_to_data` wrote.

    Raises:
        pydantic.ValidationError: `data` is not a scene.
    """
    return TypeAdapter(Scene).validate_python(data)
