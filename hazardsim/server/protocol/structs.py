"""CARLA's structs: frozen dataclasses whose fields stand in wire order.

Source: `LibCarla/source/carla/rpc` of CARLA 0.9.16, one header a struct.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from hazardsim.server.protocol.codec import I32, U8, U16, U32, U64

# Left-handed world: x forward, y right, z up, metres; angles in degrees.


@dataclass(frozen=True, slots=True)
class Vector2D:
    """A point of a curve."""

    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Vector3D:
    """A location or a direction in CARLA's axes."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


ZERO: Final = Vector3D()


@dataclass(frozen=True, slots=True)
class Rotation:
    """Degrees; applied roll, then pitch, then yaw."""

    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Transform:
    """A pose."""

    location: Vector3D = Vector3D()
    rotation: Rotation = Rotation()


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A box: centre, half sizes, turn."""

    location: Vector3D = Vector3D()
    extent: Vector3D = Vector3D()
    rotation: Rotation = Rotation()


@dataclass(frozen=True, slots=True)
class StreamToken:
    """The 24 bytes of `streams.token`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EpisodeInfo:
    """The running episode and its state stream."""

    id: U64
    token: StreamToken


@dataclass(frozen=True, slots=True)
class MapInfo:
    """The map's name and its recommended spawn points."""

    name: str
    recommended_spawn_points: tuple[Transform, ...]


@dataclass(frozen=True, slots=True)
class EpisodeSettings:
    """`carla.WorldSettings` as a fresh server has them."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: float | None = None
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: I32 = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True


class AttributeType(IntEnum):
    """How the string of an attribute is read."""

    BOOL = 1
    INT = 2
    FLOAT = 3
    STRING = 4
    RGB_COLOR = 5


@dataclass(frozen=True, slots=True)
class ActorAttribute:
    """One attribute of a blueprint."""

    id: str
    type: U8
    value: str
    recommended_values: tuple[str, ...]
    is_modifiable: bool
    restrict_to_recommended: bool


@dataclass(frozen=True, slots=True)
class ActorAttributeValue:
    """One attribute of an actor or of a request for one."""

    id: str
    type: U8
    value: str


@dataclass(frozen=True, slots=True)
class ActorDefinition:
    """A blueprint."""

    uid: U32
    id: str
    tags: str
    attributes: tuple[ActorAttribute, ...]


@dataclass(frozen=True, slots=True)
class ActorDescription:
    """What to spawn; the order of attributes is arbitrary."""

    uid: U32
    id: str
    attributes: tuple[ActorAttributeValue, ...]


@dataclass(frozen=True, slots=True)
class ActorRecord:
    """What the client keeps of an actor; `stream_token` has 24 bytes for a sensor, else none."""

    id: U32
    parent_id: U32
    description: ActorDescription
    bounding_box: BoundingBox
    semantic_tags: bytes
    stream_token: bytes


@dataclass(frozen=True, slots=True)
class WeatherParameters:
    """Fourteen floats, see `server.weather.Weather`."""

    cloudiness: float
    precipitation: float
    precipitation_deposits: float
    wind_intensity: float
    sun_azimuth_angle: float
    sun_altitude_angle: float
    fog_density: float
    fog_distance: float
    fog_falloff: float
    wetness: float
    scattering_intensity: float
    mie_scattering_scale: float
    rayleigh_scattering_scale: float
    dust_storm: float


@dataclass(frozen=True, slots=True)
class LabelledPoint:
    """A surface point and its tag."""

    location: Vector3D = Vector3D()
    label: U8 = 0


@dataclass(frozen=True, slots=True)
class EnvironmentObject:
    """A thing of the map; its box is in world axes."""

    transform: Transform
    bounding_box: BoundingBox
    id: U64
    name: str
    type: U8


@dataclass(frozen=True, slots=True)
class LightState:
    """A lamp of the map."""

    id: U32
    location: Vector3D
    intensity: float
    group: U8
    colour: tuple[U8, U8, U8]
    active: bool


@dataclass(frozen=True, slots=True)
class VehicleLightState:
    """Bits of `carla.VehicleLightState`."""

    flags: U32 = 0


@dataclass(frozen=True, slots=True)
class VehicleControl:
    """Pedals, wheel and gear."""

    throttle: float = 0.0
    steer: float = 0.0
    brake: float = 0.0
    hand_brake: bool = False
    reverse: bool = False
    manual_gear_shift: bool = False
    gear: I32 = 0


@dataclass(frozen=True, slots=True)
class GearPhysicsControl:
    """One forward gear."""

    ratio: float = 1.0
    down_ratio: float = 0.5
    up_ratio: float = 0.65


@dataclass(frozen=True, slots=True)
class WheelPhysicsControl:
    """One wheel; lengths in centimetres as Unreal has them."""

    tire_friction: float = 3.5
    damping_rate: float = 0.25
    max_steer_angle: float = 70.0
    radius: float = 33.0
    max_brake_torque: float = 1500.0
    max_handbrake_torque: float = 3000.0
    lat_stiff_max_load: float = 2.0
    lat_stiff_value: float = 17.0
    long_stiff_value: float = 1000.0
    position: Vector3D = Vector3D()


@dataclass(frozen=True, slots=True)
class VehiclePhysicsControl:
    """What the Traffic Manager asks of each car; the numbers of an ordinary saloon."""

    torque_curve: tuple[Vector2D, ...] = (Vector2D(0.0, 400.0), Vector2D(1890.0, 500.0), Vector2D(5730.0, 400.0))
    max_rpm: float = 5730.0
    moi: float = 1.0
    damping_rate_full_throttle: float = 0.15
    damping_rate_zero_throttle_clutch_engaged: float = 2.0
    damping_rate_zero_throttle_clutch_disengaged: float = 0.35
    use_gear_autobox: bool = True
    gear_switch_time: float = 0.5
    clutch_strength: float = 10.0
    final_ratio: float = 4.0
    forward_gears: tuple[GearPhysicsControl, ...] = (GearPhysicsControl(4.0), GearPhysicsControl(2.0))
    mass: float = 1500.0
    drag_coefficient: float = 0.3
    center_of_mass: Vector3D = Vector3D()
    steering_curve: tuple[Vector2D, ...] = (Vector2D(0.0, 1.0), Vector2D(120.0, 0.7))
    wheels: tuple[WheelPhysicsControl, ...] = (WheelPhysicsControl(),) * 4
    use_sweep_wheel_collision: bool = False


@dataclass(frozen=True, slots=True)
class OpendriveGenerationParameters:
    """How a real server would build a mesh from OpenDRIVE."""

    vertex_distance: float = 2.0
    max_road_length: float = 50.0
    wall_height: float = 1.0
    additional_width: float = 0.6
    smooth_junctions: bool = True
    enable_mesh_visibility: bool = True
    enable_pedestrian_navigation: bool = True


@dataclass(frozen=True, slots=True)
class SpawnCommand:
    """Command 0 of a batch; `attachment_type` may be uninitialised memory of the client and is never looked at."""

    description: ActorDescription
    transform: Transform
    parent: U32 | None
    attachment_type: Any
    socket_name: str
    do_after: tuple[Any, ...]


MapLayers = U16
ALL_LAYERS: Final = 0xFFFF
