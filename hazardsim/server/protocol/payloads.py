"""The bytes of stream messages: the header that all share, and the state of the episode.

Source: `LibCarla/source/carla/sensor/s11n` of CARLA 0.9.16 (SensorHeaderSerializer, EpisodeStateSerializer) and
`sensor/data/ActorDynamicState.h`; see `docs/server.md`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from hazardsim.server.protocol.stream_kinds import stream_kind_number
from hazardsim.server.protocol.structs import ZERO, Transform, Vector3D, VehicleControl

Buffers = tuple[bytes, ...]

_HEADER: Final = struct.Struct("<QQd6f")
_STATE: Final = struct.Struct("<Qdf3iI")
_ACTOR: Final = struct.Struct("<IB6f3f3f3f")
_VEHICLE: Final = struct.Struct("<fff3?ifB?IB")
_WALKER: Final = struct.Struct("<3ff?")
_UNION_BYTES: Final = 54

_ACTIVE: Final = 1
_GREEN: Final = 2
_SPEED_LIMIT_KMH: Final = 30.0


@dataclass(frozen=True, slots=True)
class Timestamp:
    """When: frame number and simulated seconds."""

    frame: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ActorState:
    """One actor at one frame; velocity in m/s, angular velocity in deg/s; `control` is set for vehicles only."""

    id: int
    transform: Transform
    velocity: Vector3D = ZERO
    angular_velocity: Vector3D = ZERO
    acceleration: Vector3D = ZERO
    control: VehicleControl | None = None
    is_walker: bool = False


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """Everything that moves, at one frame."""

    episode_id: int
    timestamp: Timestamp
    platform_seconds: float
    delta_seconds: float
    actors: tuple[ActorState, ...]
    map_changed: bool = False


def _pose(transform: Transform) -> tuple[float, float, float, float, float, float]:
    at, turn = transform.location, transform.rotation
    return at.x, at.y, at.z, turn.pitch, turn.yaw, turn.roll


def _union(state: ActorState) -> bytes:
    if state.control is not None:
        c = state.control
        pedals = (c.throttle, c.steer, c.brake, c.hand_brake, c.reverse, c.manual_gear_shift, c.gear)
        packed = _VEHICLE.pack(*pedals, _SPEED_LIMIT_KMH, _GREEN, False, 0, 0)
    elif state.is_walker:
        packed = _WALKER.pack(1.0, 0.0, 0.0, 0.0, False)
    else:
        packed = b""
    return packed.ljust(_UNION_BYTES, b"\0")


def _header(stream: str, timestamp: Timestamp, transform: Transform) -> bytes:
    return _HEADER.pack(stream_kind_number(stream), timestamp.frame, timestamp.seconds, *_pose(transform))


def state_message(state: EpisodeState) -> Buffers:
    """The message of stream 0: one 119-byte record an actor."""
    body = [_STATE.pack(state.episode_id, state.platform_seconds, state.delta_seconds, 0, 0, 0, int(state.map_changed))]
    for actor in state.actors:
        v, w, a = actor.velocity, actor.angular_velocity, actor.acceleration
        moving = (v.x, v.y, v.z, w.x, w.y, w.z, a.x, a.y, a.z)
        body.append(_ACTOR.pack(actor.id, _ACTIVE, *_pose(actor.transform), *moving) + _union(actor))
    return (_header("world_observer", state.timestamp, Transform()), b"".join(body))


def sensor_message(stream: str, timestamp: Timestamp, transform: Transform, body: Buffers) -> Buffers:
    """The message of a sensor: `transform` is its pose in CARLA's world, `body` what the sensor alone knows."""
    first, *rest = body
    return (_header(stream, timestamp, transform) + first, *rest)


def size_of(message: Buffers) -> int:
    """Bytes of a message."""
    return sum(len(part) for part in message)
