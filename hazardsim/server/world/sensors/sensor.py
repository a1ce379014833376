"""What the engine asks of a sensor: a blueprint that anybody can spawn, and what a spawned one measures.

The clock, the world, the streams and the renderer's queue know sensors by these types alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from hazardsim.server.protocol.payloads import Buffers, EpisodeState
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.structs import ActorAttribute, AttributeType, Transform
from hazardsim.server.renderables import Camera, Town
from hazardsim.server.weather import Weather
from hazardsim.server.world.attributes import attribute, number


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a sensor may know at one frame.

    `transform` is where the sensor is itself. It and the actors of `state` are in CARLA's left-handed world axes, in
    metres and degrees: x east, y south (north is -y), z up. `town` is in our right-handed axes (y north), and
    `town.origin_deg` says where on earth its origin lies.
    """

    transform: Transform
    parent_id: int
    state: EpisodeState
    weather: Weather
    town: Town


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What a sensor has to say at one frame.

    `cameras` are drawn first; `encode` gets their pictures in the same order, without cameras an empty sequence at
    once. It packs what the client of the sensor's `stream` reads after the header that all messages share: a tuple of
    one or more `bytes`, sent one after the other (a header of the sensor's own and its pixels need not be joined).
    CARLA's layouts are those of `LibCarla/source/carla/sensor/s11n`.
    """

    encode: Callable[[Sequence[NDArray[Any]]], Buffers]
    cameras: tuple[Camera, ...] = ()


class Sensor(Protocol):
    """A spawned sensor; an object of its own for each actor, so it may remember."""

    @property
    def period_s(self) -> float:
        """CARLA's `sensor_tick`: simulated seconds between two measurements; 0: it is asked at every tick."""

    def measure(self, moment: Moment) -> Measurement | None:
        """Its data, or None where nothing has happened; asked only while somebody listens."""


@dataclass(frozen=True, slots=True, eq=False)
class SensorBlueprint:
    """A kind of sensor: one row of the registry.

    `stream` is the kind of data by its name in `protocol.stream_kinds`: it decides how the client reads the bytes.
    `make` turns the value of every attribute into a sensor, ValueError naming the attribute whose value it cannot
    have. `passes` are the render passes that its measurements ask for; one without any needs no renderer, and so
    measures in no-rendering mode, too.
    """

    id: str
    stream: str
    attributes: tuple[ActorAttribute, ...]
    make: Callable[[Mapping[str, str]], Sensor]
    passes: tuple[str, ...] = ()


class SensorError(CallError):
    """A sensor whose own code failed: says which one, in what, and why."""

    def __init__(self, sensor_id: str, actor_id: int, step: str, error: Exception) -> None:
        super().__init__(f"{sensor_id} (actor {actor_id}) failed to {step}: {type(error).__name__}: {error}")
        self.actor_id = actor_id


@contextmanager
def faults_of(sensor_id: str, actor_id: int, step: str) -> Iterator[None]:
    """Name the sensor in whatever its code raises, for `step` is `measure` or `encode`.

    Raises:
        SensorError: instead of any exception of the body.
    """
    try:
        yield
    except Exception as error:
        raise SensorError(sensor_id, actor_id, step, error) from error


def checked_buffers(body: object) -> Buffers:
    """What `Measurement.encode` gave, if it can be sent.

    Raises:
        TypeError: it is no tuple of `bytes`, or an empty one.
    """
    if not isinstance(body, tuple) or not body or not all(isinstance(part, bytes) for part in body):
        kinds = f"({', '.join(type(part).__name__ for part in body)})" if isinstance(body, tuple) else ""
        raise TypeError(f"expected a tuple of bytes, such as (body,), got {type(body).__name__}{kinds}")
    return body


_PLACES = ("front", "back", "left", "right", "front_left", "front_right", "back_left", "back_right")


def common_attributes(sensor_id: str) -> tuple[ActorAttribute, ...]:
    """What every sensor of CARLA has: a role, a name for ROS, and the time between two measurements."""
    return (
        attribute("role_name", AttributeType.STRING, "front", _PLACES),
        attribute("ros_name", AttributeType.STRING, sensor_id),
        attribute("sensor_tick", AttributeType.FLOAT, "0.0"),
    )


def period_of(values: Mapping[str, str]) -> float:
    """The seconds that `sensor_tick` says."""
    return number(values["sensor_tick"]) or 0.0
