"""Street plans of the shipped towns in metres, each in the character that CARLA gives its namesake.

Source of the characters: https://carla.readthedocs.io/en/0.9.16/core_map/ (the networks are our own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hazardsim.server.town.procedural.site import Character

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """A street plan: ways as points in metres with tags, junction points with lights, and areas."""

    character: Character
    streets: tuple[tuple[tuple[Point, ...], Mapping[str, str]], ...]
    signals: frozenset[Point]
    areas: tuple[tuple[tuple[Point, ...], Mapping[str, str], bool], ...]


def _arc(centre: Point, radius: float, start_deg: float, steps: int = 7) -> list[Point]:
    """A left-hand quarter circle."""
    angle = np.radians(np.linspace(start_deg, start_deg + 90.0, steps))
    return [
        (round(centre[0] + radius * float(np.cos(a)), 3), round(centre[1] + radius * float(np.sin(a)), 3))
        for a in angle
    ]


def _rect(x0: float, y0: float, x1: float, y1: float) -> tuple[Point, ...]:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _ring(half_x: float, half_y: float, radius: float, stops: Sequence[Point]) -> tuple[Point, ...]:
    """A closed rectangle with round corners, counter-clockwise, through `stops` on its sides."""
    x, y, r = half_x - radius, half_y - radius, radius
    ring: list[Point] = []
    sides = (
        (sorted((p for p in stops if p[1] == -half_y), key=lambda p: p[0]), _arc((x, -y), r, -90.0)),
        (sorted((p for p in stops if p[0] == half_x), key=lambda p: p[1]), _arc((x, y), r, 0.0)),
        (sorted((p for p in stops if p[1] == half_y), key=lambda p: -p[0]), _arc((-x, y), r, 90.0)),
        (sorted((p for p in stops if p[0] == -half_x), key=lambda p: -p[1]), _arc((-x, -y), r, 180.0)),
    )
    for on_side, corner in sides:
        ring += [*on_side, *corner]
    return (*ring, ring[0])


def town01() -> Plan:
    """A small town of T-junctions with a river and three bridges."""
    calm = {"highway": "residential", "lanes": "2", "maxspeed": "30"}
    loop = {"highway": "tertiary", "lanes": "2", "maxspeed": "50"}
    stops = ((-60.0, -160.0), (75.0, -160.0), (190.0, 15.0), (-60.0, 160.0), (-190.0, -70.0))
    river = tuple((float(x), round(88.0 + 9.0 * float(np.sin(x / 60.0)), 3)) for x in range(-300, 301, 20))
    quay = [
        (tuple((x, round(y + side * 8.1, 3)) for x, y in river[a:b]), {"barrier": "railing", "height": "1.1"}, False)
        for side in (-1.0, 1.0)
        for a, b in ((7, 12), (14, 18), (18, 24))
    ]
    return Plan(
        character="village",
        streets=(
            (_ring(190.0, 160.0, 26.0, stops), loop),
            (((-60.0, -160.0), (-60.0, -70.0), (-60.0, 15.0), (-60.0, 160.0)), calm),
            (((-60.0, 15.0), (75.0, 15.0), (190.0, 15.0)), calm),
            (((75.0, 15.0), (75.0, -160.0)), calm),
            (((-190.0, -70.0), (-60.0, -70.0)), calm),
        ),
        signals=frozenset({(75.0, 15.0), (-60.0, 15.0)}),
        areas=(
            (river, {"waterway": "river", "width": "15"}, False),
            (_rect(-30.0, -60.0, 40.0, -20.0), {"leisure": "park"}, True),
            (_rect(-30.0, -112.0, 20.0, -92.0), {"amenity": "parking"}, True),
            *quay,
        ),
    )


def town05() -> Plan:
    """A squared grid of multi-lane streets with lit crossings inside a faster ring."""
    street = {"highway": "secondary", "lanes": "4", "maxspeed": "50"}
    avenue = {"highway": "primary", "lanes": "6", "maxspeed": "50"}
    ring = {"highway": "primary", "lanes": "4", "maxspeed": "70"}
    a, b = 70.0, 200.0
    stops = tuple((s * a, t * b) for s in (-1, 1) for t in (-1, 1)) + tuple(
        (t * b, s * a) for s in (-1, 1) for t in (-1, 1)
    )
    crossings = tuple((s * a, t * a) for s in (-1, 1) for t in (-1, 1))
    spans = ((-b + 30.0, -a - 30.0), (-a + 30.0, a - 30.0), (a + 30.0, b - 30.0))
    courts = [
        (_rect(x0, y0, x1, y1), {"landuse": "grass"}, True)
        for x0, x1 in spans
        for y0, y1 in spans
        if (x0, y0) != (-40.0, -40.0)
    ]
    rail = _ring(b + 13.5, b + 13.5, 44.0, ())
    return Plan(
        character="city",
        streets=(
            (_ring(b, b, 30.0, stops), ring),
            (((-a, -b), (-a, -a), (-a, a), (-a, b)), street),
            (((a, -b), (a, -a), (a, a), (a, b)), street),
            (((-b, -a), (-a, -a), (a, -a), (b, -a)), avenue),
            (((-b, a), (-a, a), (a, a), (b, a)), street),
        ),
        signals=frozenset(crossings + stops),
        areas=(
            (_rect(-36.0, -30.0, 36.0, 36.0), {"leisure": "park"}, True),
            (((-36.0, 3.0), (36.0, 3.0)), {"highway": "footway", "width": "3"}, False),
            (((0.0, -30.0), (0.0, 36.0)), {"highway": "footway", "width": "3"}, False),
            (_rect(108.0, -42.0, 168.0, -24.5), {"amenity": "parking"}, True),
            (_rect(-168.0, 100.0, -108.0, 117.5), {"amenity": "parking"}, True),
            (_rect(-189.0, -189.0, 189.0, 189.0), {"landuse": "commercial"}, True),
            (rail, {"barrier": "guard_rail"}, False),
            *courts,
        ),
    )


def _circle(radius: float, stops: int) -> tuple[Point, ...]:
    """A closed circle of `stops` points about the origin, counter-clockwise from +x."""
    angle = np.linspace(0.0, 2 * np.pi, stops, endpoint=False)
    ring = [(round(radius * float(np.cos(a)), 3), round(radius * float(np.sin(a)), 3)) for a in angle]
    return (*ring, ring[0])


def town02() -> Plan:
    """A small town where shops and flats stand among houses, on narrow streets."""
    street = {"highway": "tertiary", "lanes": "2", "maxspeed": "50"}
    calm = {"highway": "residential", "lanes": "2", "maxspeed": "30"}
    stops = ((-45.0, -105.0), (55.0, -105.0), (140.0, -10.0), (55.0, 105.0), (-45.0, 105.0), (-140.0, -10.0))
    return Plan(
        character="town",
        streets=(
            (_ring(140.0, 105.0, 20.0, stops), street),
            (((-140.0, -10.0), (-45.0, -10.0), (55.0, -10.0), (140.0, -10.0)), street),
            (((-45.0, -105.0), (-45.0, -10.0), (-45.0, 50.0), (-45.0, 105.0)), calm),
            (((55.0, -105.0), (55.0, -10.0), (55.0, 50.0), (55.0, 105.0)), calm),
            (((-45.0, 50.0), (-10.0, 52.0), (20.0, 48.0), (55.0, 50.0)), calm),
        ),
        signals=frozenset({(-45.0, -10.0), (55.0, -10.0)}),
        areas=(
            (_rect(-25.0, 4.0, 35.0, 34.0), {"leisure": "park"}, True),
            (_rect(-25.0, -75.0, 35.0, -57.0), {"amenity": "parking"}, True),
            (_rect(70.0, 20.0, 120.0, 37.0), {"amenity": "parking"}, True),
        ),
    )


def town03() -> Plan:
    """A larger city with a roundabout in its middle, wide boulevards and large crossings."""
    boulevard = {"highway": "primary", "lanes": "4", "maxspeed": "50"}
    ring = {"highway": "secondary", "lanes": "4", "maxspeed": "60"}
    lane = {"highway": "residential", "lanes": "2", "maxspeed": "30"}
    around = {"highway": "primary", "lanes": "2", "oneway": "yes", "junction": "roundabout", "maxspeed": "40"}
    half, inner, radius = 205.0, 105.0, 28.0
    stops = tuple((s * half, 0.0) for s in (-1.0, 1.0)) + tuple((0.0, s * half) for s in (-1.0, 1.0))
    stops += ((-inner, half), (inner, -half), (half, inner), (-half, -inner))
    return Plan(
        character="city",
        streets=(
            (_ring(half, half, 34.0, stops), ring),
            (_circle(radius, 24), around),
            (((radius, 0.0), (inner, 0.0), (half, 0.0)), boulevard),
            (((-half, 0.0), (-inner, 0.0), (-radius, 0.0)), boulevard),
            (((0.0, radius), (0.0, inner), (0.0, half)), boulevard),
            (((0.0, -half), (0.0, -inner), (0.0, -radius)), boulevard),
            (((-inner, 0.0), (-inner, inner), (-inner, half)), lane),
            (((inner, -half), (inner, -inner), (inner, 0.0)), lane),
            (((-inner, inner), (-50.0, inner + 6.0), (0.0, inner)), lane),
            (((0.0, -inner), (50.0, -inner - 6.0), (inner, -inner)), lane),
            (((0.0, inner), (60.0, inner + 10.0), (140.0, inner - 6.0), (half, inner)), ring),
            (((-half, -inner), (-140.0, -inner + 6.0), (-60.0, -inner - 10.0), (0.0, -inner)), ring),
        ),
        signals=frozenset({*stops, (0.0, inner), (0.0, -inner), (-inner, 0.0), (inner, 0.0)}),
        areas=(
            (_circle(radius - 7.0, 24)[:-1], {"leisure": "garden"}, True),
            (_rect(-90.0, -90.0, -52.0, -26.0), {"leisure": "park"}, True),
            (_rect(36.0, 40.0, 88.0, 84.0), {"leisure": "park"}, True),
            (_rect(128.0, -80.0, 184.0, -62.0), {"amenity": "parking"}, True),
            (_rect(-184.0, 50.0, -128.0, 68.0), {"amenity": "parking"}, True),
            (_rect(-190.0, -190.0, 190.0, 190.0), {"landuse": "commercial"}, True),
        ),
    )


def town04() -> Plan:
    """A small town in the woods inside an endless motorway of two carriageways."""
    motorway = {"highway": "motorway", "lanes": "3", "oneway": "yes", "maxspeed": "90"}
    ramp = {"highway": "motorway_link", "lanes": "1", "oneway": "yes", "maxspeed": "50"}
    main = {"highway": "secondary", "lanes": "2", "maxspeed": "50"}
    calm = {"highway": "residential", "lanes": "2", "maxspeed": "30"}
    x, y, apart = 255.0, 190.0, 14.5
    crossings = ((0.0, -1.0), (0.0, 1.0))
    outer = _ring(x, y, 70.0, tuple((a, b * y) for a, b in crossings))
    off, on = (x - apart, -20.0), (x - apart, 60.0)
    inner = _ring(x - apart, y - apart, 70.0 - apart, (*((a, b * (y - apart)) for a, b in crossings), off, on))[::-1]
    rails = (
        (_ring(x - apart / 2, y - apart / 2, 70.0 - apart / 2, ()), {"barrier": "guard_rail"}, False),
        (((-x + apart + 9.0, -110.0), (-x + apart + 9.0, 110.0)), {"barrier": "guard_rail"}, False),
        *(
            (
                ((side * 24.0, end * (y - apart - 9.0)), (side * 165.0, end * (y - apart - 9.0))),
                {"barrier": "guard_rail"},
                False,
            )
            for side in (-1.0, 1.0)
            for end in (-1.0, 1.0)
        ),
    )
    return Plan(
        character="village",
        streets=(
            (outer, motorway),
            (inner, motorway),
            (((0.0, -y), (0.0, -y + apart), (0.0, -95.0), (0.0, 0.0), (0.0, 95.0), (0.0, y - apart), (0.0, y)), main),
            (((-150.0, 0.0), (-70.0, 0.0), (0.0, 0.0), (90.0, 0.0), (160.0, 20.0)), main),
            ((on, (x - apart - 12.0, 48.0), (x - apart - 34.0, 30.0), (160.0, 20.0)), ramp),
            (((160.0, 20.0), (x - apart - 40.0, 8.0), (x - apart - 14.0, -6.0), off), ramp),
            (((-70.0, -95.0), (0.0, -95.0), (90.0, -95.0), (90.0, 0.0)), calm),
            (((-70.0, 0.0), (-70.0, -95.0)), calm),
            (((-150.0, 0.0), (-150.0, 70.0), (-100.0, 95.0), (0.0, 95.0), (90.0, 95.0), (90.0, 0.0)), calm),
        ),
        signals=frozenset({(0.0, -y), (0.0, -y + apart), (0.0, y - apart), (0.0, y)}),
        areas=(
            (_rect(18.0, -76.0, 72.0, -24.0), {"leisure": "park"}, True),
            (_rect(-60.0, 26.0, -16.0, 44.0), {"amenity": "parking"}, True),
            *rails,
        ),
    )


def town06() -> Plan:
    """Long highways of many lanes with slip roads, and turns in the median instead of left turns at crossings."""
    highway = {"highway": "trunk", "lanes": "4", "oneway": "yes", "maxspeed": "90"}
    slip = {"highway": "trunk_link", "lanes": "1", "oneway": "yes", "maxspeed": "50"}
    turn = {"highway": "trunk_link", "lanes": "1", "oneway": "yes", "maxspeed": "30"}
    street = {"highway": "secondary", "lanes": "2", "maxspeed": "50"}
    far, side, cross, back = 290.0, 16.0, 150.0, 135.0
    east = tuple((float(v), -side) for v in (-cross, -70.0, -30.0, 0.0, 40.0, 80.0, cross))
    west = tuple((float(v), side) for v in (cross, 70.0, 30.0, 0.0, -40.0, -80.0, -cross))
    # Straight for 20 m before the bend, so that the lanes that end do so on the straight.
    half_e = ((-20.0, -side), *_arc((0.0, 0.0), side, -90.0), *_arc((0.0, 0.0), side, 0.0)[1:], (-20.0, side))
    bend_e = [(x + far - side, y) for x, y in half_e]
    bend_w = [(-x, -y) for x, y in bend_e]
    ends_e, ends_w = (bend_e[0], bend_e[-1]), (bend_w[0], bend_w[-1])
    return Plan(
        character="town",
        streets=(
            ((ends_w[1], *east, ends_e[0]), highway),
            ((ends_e[1], *west, ends_w[0]), highway),
            (tuple(bend_e), highway | {"lanes": "2", "maxspeed": "50"}),
            (tuple(bend_w), highway | {"lanes": "2", "maxspeed": "50"}),
            (((-cross, -back), (-cross, -side), (-cross, side), (-cross, back)), street),
            (((cross, -back), (cross, -side), (cross, side), (cross, back)), street),
            (((80.0, -side), (77.0, 0.0), (70.0, side)), turn),
            (((-80.0, side), (-77.0, 0.0), (-70.0, -side)), turn),
            (((-cross, -back), (-60.0, -back), (0.0, -back), (60.0, -back), (cross, -back)), street),
            (((-cross, back), (-60.0, back), (0.0, back), (60.0, back), (cross, back)), street),
            (((-30.0, -side), (-14.0, -side - 13.0), (-4.0, -60.0), (0.0, -back)), slip),
            (((0.0, -back), (14.0, -62.0), (24.0, -side - 15.0), (40.0, -side)), slip),
            (((30.0, side), (14.0, side + 13.0), (4.0, 60.0), (0.0, back)), slip),
            (((0.0, back), (-14.0, 62.0), (-24.0, side + 15.0), (-40.0, side)), slip),
        ),
        signals=frozenset((a, b) for a in (-cross, cross) for b in (-side, side)),
        areas=(
            (_rect(62.0, -108.0, 122.0, -90.0), {"amenity": "parking"}, True),
            (_rect(-122.0, 90.0, -62.0, 108.0), {"amenity": "parking"}, True),
            *(
                (((a, s * (side + 18.0)), (b, s * (side + 18.0))), {"barrier": "guard_rail"}, False)
                for s in (-1.0, 1.0)
                for a, b in (
                    (-far + 30.0, -cross - 24.0),
                    (-cross + 24.0, -52.0),
                    (52.0, cross - 24.0),
                    (cross + 24.0, far - 30.0),
                )
            ),
        ),
    )


PLANS: Final[Mapping[str, Callable[[], Plan]]] = {
    "Town01": town01,
    "Town02": town02,
    "Town03": town03,
    "Town04": town04,
    "Town05": town05,
    "Town06": town06,
}
