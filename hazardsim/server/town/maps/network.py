"""The roads of a town as sampled lanes, read by a child process through the carla client's offline map."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

import msgpack
import numpy as np
import shapely
from numpy.typing import NDArray

from hazardsim.errors import TownError
from hazardsim.server.town.maps.projection import Projection

FAST_MPS: Final = 20.0
"""Roads with a higher speed limit have no sidewalks, parking bays, zebras or houses."""
_TIMEOUT_S = 300.0
_NOISE = ("pj_obj_create", "Options:", "Warning:")

BROKEN, SOLID, SOLID_SOLID, SOLID_BROKEN, BROKEN_SOLID, BROKEN_BROKEN = 1, 2, 3, 4, 5, 6
YELLOW = 4


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One lane of one lane section, in driving direction.

    `centre` [N,3], `heading_rad` [N] and `width_m` [N] in world axes; `marks` [N,4] = left type, left colour, right
    type, right colour in the numbers of `carla.LaneMarkingType` and `carla.LaneMarkingColor`. `junction` is the one it
    lies in, `start` and `end` those it comes from and leads to; -1 is none.
    """

    road: int
    lane_id: int
    kind: str
    junction: int
    start: int
    end: int
    speed: float
    centre: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    width_m: NDArray[np.float64]
    marks: NDArray[np.int64]

    @property
    def length_m(self) -> float:
        """Length of the centre line."""
        return float(np.linalg.norm(np.diff(self.centre, axis=0), axis=1).sum())

    def edge(self, side: float) -> NDArray[np.float64]:
        """Points [N,3] at `side` half widths to the left of the centre: 1 is the left edge, -1 the right one."""
        across = np.stack([-np.sin(self.heading_rad), np.cos(self.heading_rad), np.zeros(len(self.centre))], axis=1)
        return self.centre + across * (side * self.width_m / 2)[:, None]

    def polygon(self) -> shapely.Polygon:
        """The area of the lane, seen from above."""
        ring = np.concatenate([self.edge(1.0)[:, :2], self.edge(-1.0)[::-1, :2]])
        return shapely.Polygon(ring).buffer(0.005, join_style="mitre")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """All lanes of a town, the junctions that have traffic lights, and the OpenDRIVE text."""

    opendrive: str
    lanes: tuple[Lane, ...]
    lights: frozenset[int]

    def driving(self) -> tuple[Lane, ...]:
        """The lanes that cars use."""
        return tuple(
            s for s in self.lanes if s.kind in ("driving", "bidirectional", "entry", "exit", "onRamp", "offRamp")
        )

    @property
    def is_flat(self) -> bool:
        """Whether all lanes lie at one height."""
        heights = np.concatenate([s.centre[:, 2] for s in self.lanes])
        return float(np.ptp(heights)) < 0.05


def read_network(text: str, where: str, projection: Projection | None = None) -> Network:
    """The network of an OSM text in the metres of `projection`, or without one of an OpenDRIVE text.

    Raises:
        TownError: the text is not readable as such, or has no driving lane.
    """
    command = [sys.executable, "-m", "hazardsim.server.town.maps.lane_sampling"]
    if projection is not None:
        command.append(projection.definition)
    try:
        run = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as late:
        raise TownError(f"{where}: reading the roads took over {_TIMEOUT_S:.0f} s; use a smaller extract") from late
    if run.returncode != 0:
        lines = [x.strip() for x in run.stderr.decode(errors="replace").splitlines() if x.strip()]
        told = [x for x in lines if not x.startswith(_NOISE)]
        reason = told[-1] if told else f"the converter stopped with code {run.returncode}"
        raise TownError(f"{where}: the carla client cannot read its roads ({reason}); check the file")
    data = msgpack.unpackb(run.stdout, strict_map_key=False)
    lanes = tuple(_lane(row) for row in data["lanes"])
    network = Network(data["opendrive"], lanes, frozenset(data["lights"]))
    if not network.driving():
        raise TownError(f"{where}: no driving lane found; give an extract with roads (highway=residential and above)")
    return network


def _lane(row: dict[str, object]) -> Lane:
    table = np.array(row["rows"], dtype=np.float64)
    return Lane(
        road=int(str(row["road"])),
        lane_id=int(str(row["lane_id"])),
        kind=str(row["kind"]),
        junction=int(str(row["junction"])),
        start=int(str(row["start"])),
        end=int(str(row["end"])),
        speed=float(str(row["speed"])),
        centre=table[:, :3].round(4),
        heading_rad=np.unwrap(table[:, 3]),
        width_m=table[:, 4],
        marks=np.array(row["marks"], dtype=np.int64),
    )


def pose_at(point: NDArray[np.float64], heading_rad: float, scale: float = 1.0) -> NDArray[np.float64]:
    """Pose [4,4] that stands at `point` [3] and looks along `heading_rad`, counter-clockwise from +x."""
    c, s = math.cos(heading_rad), math.sin(heading_rad)
    pose = np.eye(4)
    pose[:3, :3] = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) * scale
    pose[:3, 3] = point
    return pose
