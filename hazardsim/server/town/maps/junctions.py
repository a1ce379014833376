"""Arms of junctions: who comes in, who goes out, and who has to wait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.town.maps.network import FAST_MPS, Lane, Network


@dataclass(frozen=True, slots=True, eq=False)
class JunctionLeg:
    """One mouth of a junction: its middle [3], the direction away from the junction, and its lanes.

    `is_lit`: traffic lights; `is_minor`: has to give way; `has_zebra`: a pedestrian crossing lies in its mouth.
    """

    junction: int
    middle: NDArray[np.float64]
    away_rad: float
    incoming: tuple[Lane, ...]
    outgoing: tuple[Lane, ...]
    is_lit: bool
    is_minor: bool
    has_zebra: bool


def junction_legs(network: Network) -> tuple[JunctionLeg, ...]:
    """The legs of all junctions with at least three of them, ordered by junction."""
    mouths: dict[int, list[tuple[Lane, NDArray[np.float64], float, bool]]] = {}
    for lane in network.driving():
        if lane.junction >= 0:
            continue
        if lane.end >= 0:
            mouth = (lane, lane.centre[-1], float(lane.heading_rad[-1]) + np.pi, True)
            mouths.setdefault(lane.end, []).append(mouth)
        if lane.start >= 0:
            mouths.setdefault(lane.start, []).append((lane, lane.centre[0], float(lane.heading_rad[0]), False))
    out: list[JunctionLeg] = []
    for junction in sorted(mouths):
        groups = _grouped(mouths[junction])
        if len(groups) < 3:
            continue
        lit = junction in network.lights
        out += [_leg(junction, g, lit, _is_minor(k, groups)) for k, g in enumerate(groups)]
    return tuple(out)


_Mouth = tuple[Lane, NDArray[np.float64], float, bool]


def _grouped(mouths: list[_Mouth]) -> list[list[_Mouth]]:
    groups: list[list[_Mouth]] = []
    for mouth in sorted(mouths, key=lambda m: (m[0].road, m[0].lane_id)):
        for group in groups:
            close = min(float(np.linalg.norm(m[1][:2] - mouth[1][:2])) for m in group) < 9.0
            if close and np.cos(mouth[2] - group[0][2]) > 0.7:
                group.append(mouth)
                break
        else:
            groups.append([mouth])
    return groups


def _weight(group: list[_Mouth]) -> float:
    return len(group) + max(m[0].speed for m in group) / 100.0


def _is_minor(index: int, groups: list[list[_Mouth]]) -> bool:
    """Whether this leg is not one of the two that together make the main road."""
    best, pair = -np.inf, (0, 1)
    for i in range(len(groups)):
        for j in range(i + 1, len(groups)):
            straight = -np.cos(groups[i][0][2] - groups[j][0][2])
            worth = 2.0 * straight + 0.5 * (_weight(groups[i]) + _weight(groups[j]))
            if worth > best + 1e-6:
                best, pair = worth, (i, j)
    return index not in pair


def _leg(junction: int, group: list[_Mouth], lit: bool, minor: bool) -> JunctionLeg:
    middle = np.mean([m[1] for m in group], axis=0)
    turn = float(np.arctan2(np.mean([np.sin(m[2]) for m in group]), np.mean([np.cos(m[2]) for m in group])))
    coming = tuple(m[0] for m in group if m[3])
    going = tuple(m[0] for m in group if not m[3])
    long = min(m[0].length_m for m in group) > 18.0
    fast = max(m[0].speed for m in group) > FAST_MPS
    code = (int(abs(middle[0]) * 7) + int(abs(middle[1]) * 13)) % 10
    return JunctionLeg(junction, middle, turn, coming, going, lit, minor, long and not fast and (lit or code < 5))
