"""Parked two-wheelers: bicycles, scooters and motorcycles, without riders, leaning on their stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from hazardsim.mesh.assemble import part, stand
from hazardsim.mesh.materials import CHROME, DARK_PLASTIC, HEADLIGHT, PLATE, STEEL, TAILLIGHT, Colour, paint
from hazardsim.mesh.model import Part
from hazardsim.mesh.shape import Points, Shape, bar, box, cylinder, ellipsoid, loft, smooth_curve, torus, tube
from hazardsim.street.wheels import road_wheel, spoked_wheel, wheel_parts

_BUILDERS: Final[Mapping[str, Callable[[Colour], list[Part]]]] = {
    "sport_bicycle": lambda colour: _bicycle(colour, step_through=False),
    "city_bicycle": lambda colour: _bicycle(colour, step_through=True),
    "scooter": lambda colour: _scooter(colour),
    "cruiser": lambda colour: _motorcycle(colour, sport=False),
    "sport_motorcycle": lambda colour: _motorcycle(colour, sport=True),
}


def cycle_parts(form: str, size_m: tuple[float, float, float], colour: Colour) -> tuple[Part, ...]:
    """A two-wheeler of `size_m` (length, width over the handlebar, height), standing on the origin."""
    return stand(_BUILDERS[form](colour), size_m)


def _bicycle(colour: Colour, step_through: bool) -> list[Part]:
    radius, base = 0.34, 0.53
    wheel = spoked_wheel(radius, 0.018 if not step_through else 0.022, 28)
    places = [(x, 0.001, radius) for x in (base, -base)]
    seat_low, bracket = np.array([-0.17, 0, 0.72]), np.array([-0.06, 0, 0.28])
    head_low, head_high = np.array([0.37, 0, 0.62]), np.array([0.34, 0, 0.82])
    hub_rear, hub_front = np.array([-base, 0, radius]), np.array([base, 0, radius])
    frame = [bar(bracket, seat_low, 0.016), bar(head_low, head_high, 0.019)]
    if step_through:
        frame.append(
            tube(smooth_curve([head_low.tolist(), [0.2, 0, 0.42], [0.05, 0, 0.31], bracket.tolist()], 12), 0.02)
        )
        frame.append(
            tube(smooth_curve([head_high.tolist(), [0.22, 0, 0.58], [0.04, 0, 0.44], [-0.11, 0, 0.47]], 12), 0.015)
        )
    else:
        frame += [bar(bracket, head_low, 0.02), bar(seat_low, np.add(head_high, [0, 0, -0.04]), 0.016)]
    for s in (1, -1):
        y = np.array([0, 0.055 * s, 0])
        frame += [bar(bracket + 0.4 * y, hub_rear + y, 0.009), bar(seat_low + 0.2 * y, hub_rear + y, 0.008)]
        frame.append(
            tube(smooth_curve([head_low + 0.4 * y, [0.42, 0.05 * s, 0.5], hub_front + y], 8), [0.014] * 4 + [0.01] * 4)
        )
    stem = np.add(head_high, [-0.02, 0, 0.12])
    reach = 0.30 if step_through else 0.29
    sweep = -0.16 if step_through else 0.08
    grips = [
        tube(
            smooth_curve([stem, np.add(stem, [0.03, s * 0.12, 0.04]), np.add(stem, [sweep, s * reach, 0.05])], 12),
            0.011,
        )
        for s in (1, -1)
    ]
    post = [bar(seat_low, np.add(seat_low, [-0.04, 0, 0.17]), 0.012), bar(head_high, stem, 0.013)]
    cranks = [
        bar(np.add(bracket, [0, 0.06, 0]), np.add(bracket, [0.1, 0.07, -0.13]), 0.009),
        bar(np.add(bracket, [0, -0.06, 0]), np.add(bracket, [-0.1, -0.07, 0.13]), 0.009),
    ]
    ring = [torus(0.085, 0.006, 28, 6).turned("x", 90).moved(*(np.add(bracket, [0, -0.045, 0])))]
    stay = [bar(np.add(bracket, [-0.02, 0.03, 0]), [-0.14, 0.17, 0.01], 0.008)]
    saddle = ellipsoid((0.26, 0.15, 0.06), 8, 16).bent(_saddle).moved(*(np.add(seat_low, [-0.05, 0, 0.2])))
    pedals = [
        box((0.09, 0.09, 0.02), 0.006).moved(*(np.add(bracket, [0.1, 0.12, -0.14]))),
        box((0.09, 0.09, 0.02), 0.006).moved(*(np.add(bracket, [-0.1, -0.12, 0.12]))),
    ]
    handles = [
        tube(
            np.array([np.add(stem, [sweep * 0.55, s * reach * 0.75, 0.05]), np.add(stem, [sweep, s * reach, 0.05])]),
            0.016,
        )
        for s in (1, -1)
    ]
    dark = [saddle, *pedals, *handles]
    chain = [
        bar(np.add(bracket, [0, -0.045, z]), np.add(hub_rear, [0, -0.045, z * 0.5]), 0.004, 5) for z in (0.08, -0.08)
    ]
    if step_through:
        dark += [_guard(radius, x, 20, 175) for x in (-base, base)]
        rack = [bar([-0.75, y, 0.73], [-0.22, y, 0.73], 0.007, 6) for y in (-0.06, 0.06)]
        rack += [bar([-0.7, 0.06 * s, 0.73], np.add(hub_rear, [0, 0.06 * s, 0]), 0.006, 6) for s in (1, -1)]
        chain += rack
    lamps = [box((0.05, 0.06, 0.06), 0.02).moved(*(np.add(head_high, [0.07, 0, -0.06])))]
    tail = [box((0.03, 0.05, 0.05), 0.01).moved(*(np.add(seat_low, [-0.09, 0, -0.02])))]
    return [
        part(frame, paint(colour)),
        part([*grips, *post, *cranks, *ring, *stay, *chain], STEEL),
        part(dark, DARK_PLASTIC),
        part(lamps, HEADLIGHT),
        part(tail, TAILLIGHT),
        *wheel_parts(wheel, places),
    ]


def _saddle(points: Points) -> Points:
    narrow = 0.45 + 0.55 * np.clip((0.06 - points[:, 0]) / 0.12, 0, 1)
    return np.column_stack([points[:, 0], points[:, 1] * narrow, points[:, 2]])


def _guard(radius: float, x: float, start_deg: float, end_deg: float) -> Shape:
    t = np.radians(np.linspace(start_deg, end_deg, 20))
    rings = [
        np.stack([x + r * np.cos(t), np.full_like(t, y), radius + r * np.sin(t)], 1)
        for r in (radius + 0.02, radius + 0.032)
        for y in (-0.025, 0.025)
    ]
    inner_right, inner_left, outer_right, outer_left = rings
    return loft(np.stack([outer_right, outer_left, inner_left, inner_right], axis=1))


def _scooter(colour: Colour) -> list[Part]:
    radius = 0.235
    wheel = road_wheel(radius, 0.11, 5, rim=0.6)
    shell = (
        ellipsoid((0.85, 0.36, 0.52), 16, 24)
        .bent(lambda p: np.column_stack([p[:, 0], p[:, 1], np.maximum(p[:, 2], -0.1)]))
        .moved(-0.45, 0, 0.52)
    )
    shield = loft(
        np.array(
            [
                _arc(x, 0.21 * w, z)
                for x, w, z in (
                    (0.26, 0.7, 0.30),
                    (0.33, 0.95, 0.45),
                    (0.36, 1.0, 0.62),
                    (0.34, 0.85, 0.80),
                    (0.30, 0.45, 0.93),
                )
            ]
        )
    )
    floor = box((0.5, 0.34, 0.09), 0.03).moved(0.08, 0, 0.24)
    fender = (
        ellipsoid((0.56, 0.17, 0.34), 12, 20)
        .bent(lambda p: np.column_stack([p[:, 0], p[:, 1], np.maximum(p[:, 2], 0.0)]))
        .moved(0.62, 0, 0.31)
    )
    head = ellipsoid((0.24, 0.26, 0.2), 12, 18).moved(0.29, 0, 0.97)
    seat = box((0.66, 0.28, 0.12), 0.055).moved(-0.42, 0, 0.74)
    bars = [
        tube(smooth_curve([[0.26, 0, 1.0], [0.22, s * 0.16, 1.03], [0.14, s * 0.34, 1.02]], 10), 0.017) for s in (1, -1)
    ]
    grips = [bar([0.17, s * 0.25, 1.025], [0.14, s * 0.35, 1.02], 0.024) for s in (1, -1)]
    mirrors = [ellipsoid((0.03, 0.13, 0.09), 8, 12).moved(0.24, s * 0.28, 1.2) for s in (1, -1)]
    stems = [bar([0.22, s * 0.2, 1.03], [0.24, s * 0.27, 1.18], 0.007, 6) for s in (1, -1)]
    forks = [bar([0.34, s * 0.075, 0.62], [0.62, s * 0.085, radius], 0.025) for s in (1, -1)]
    pipe = [bar([-0.25, -0.16, 0.22], [-0.72, -0.17, 0.26], 0.05), bar([-0.05, 0.14, 0.22], [-0.1, 0.27, 0.01], 0.014)]
    lamp = [ellipsoid((0.06, 0.16, 0.12), 10, 14).moved(0.395, 0, 0.97)]
    tail = [box((0.06, 0.16, 0.08), 0.025).moved(-0.86, 0, 0.60)]
    plate = [box((0.01, 0.2, 0.15)).moved(-0.89, 0, 0.40)]
    return [
        part([shell, shield, floor, fender, head], paint(colour)),
        part(
            [seat, *grips, box((0.36, 0.2, 0.22), 0.06).moved(-0.5, 0, 0.22), *[m.scaled(1, 1, 1) for m in mirrors]],
            DARK_PLASTIC,
        ),
        part([*bars, *stems, *forks, *pipe], CHROME),
        part(lamp, HEADLIGHT),
        part(tail, TAILLIGHT),
        part(plate, PLATE),
        *wheel_parts(wheel, [(0.62, 0.001, radius), (-0.58, 0.001, radius)]),
    ]


def _arc(x: float, half: float, z: float) -> Points:
    t = np.linspace(-1, 1, 13)
    front = np.stack([x + 0.09 * (1 - t**2), half * t, np.full_like(t, z)], 1)
    back = np.stack([x + 0.075 * (1 - t[::-1] ** 2) - 0.025, half * t[::-1], np.full_like(t, z)], 1)
    return np.concatenate([front, back])


def _motorcycle(colour: Colour, sport: bool) -> list[Part]:
    radius = 0.31
    front, rear = (0.70, -0.70) if sport else (0.80, -0.75)
    wheel = road_wheel(radius, 0.14, 5 if sport else 12, rim=0.7)
    tank = (
        ellipsoid((0.60, 0.30, 0.27), 14, 22)
        .bent(lambda p: np.column_stack([p[:, 0], p[:, 1] * (0.75 + 0.4 * (p[:, 0] + 0.3)), p[:, 2]]))
        .moved(0.12, 0, 0.80)
    )
    engine = [
        box((0.42, 0.30, 0.34), 0.05).moved(0.03, 0, 0.28),
        *[cylinder(0.09, 0.26, 18).turned("y", a).moved(x, 0, 0.5) for a, x in ((22, 0.08), (-28, 0.0))],
    ]
    fins = [box((0.36, 0.34, 0.012)).moved(0.03, 0, z) for z in np.linspace(0.34, 0.58, 7)]
    frame = [
        tube(
            smooth_curve(
                [
                    [0.42, s * 0.05, 0.9],
                    [0.3, s * 0.13, 0.5],
                    [0.1, s * 0.14, 0.27],
                    [-0.3, s * 0.13, 0.3],
                    [-0.35, s * 0.11, 0.65],
                    [-0.75, s * 0.1, 0.74],
                ],
                24,
            ),
            0.02,
        )
        for s in (1, -1)
    ]
    swing = [bar([-0.25, s * 0.11, 0.36], [rear, s * 0.11, radius], 0.028) for s in (1, -1)]
    stem = np.array([0.42, 0, 0.93])
    forks = [bar(np.add(stem, [0, s * 0.1, 0.04]), [front, s * 0.1, radius], 0.028) for s in (1, -1)]
    seat = (
        box((0.66, 0.28, 0.13), 0.06)
        .bent(lambda p: np.column_stack([p[:, 0], p[:, 1], p[:, 2] + 0.10 * np.clip(-p[:, 0] - 0.08, 0, 1)]))
        .moved(-0.42, 0, 0.68)
    )
    fender = [_wide_guard(radius, rear, 40, 165, 0.09), _wide_guard(radius, front, 35, 150, 0.075)]
    height = 0.06 if sport else 0.16
    bars = [
        tube(
            smooth_curve(
                [stem, np.add(stem, [-0.02, s * 0.12, height]), np.add(stem, [-0.14, s * 0.36, height * 0.95])], 12
            ),
            0.015,
        )
        for s in (1, -1)
    ]
    grips = [
        bar(np.add(stem, [-0.09, s * 0.26, height]), np.add(stem, [-0.14, s * 0.37, height * 0.95]), 0.022)
        for s in (1, -1)
    ]
    mirrors = [
        ellipsoid((0.03, 0.14, 0.08), 8, 12).moved(*(np.add(stem, [0.0, s * 0.3, height + 0.17]))) for s in (1, -1)
    ]
    stems = [
        bar(np.add(stem, [-0.05, s * 0.2, height]), np.add(stem, [0, s * 0.29, height + 0.15]), 0.007, 6)
        for s in (1, -1)
    ]
    pipes = [
        tube(
            smooth_curve(
                [
                    [0.12, -0.13, 0.52],
                    [0.26, -0.18, 0.36],
                    [0.02, -0.2, 0.24],
                    [-0.4, -0.2, 0.27],
                    [-0.95, -0.2, 0.33 + 0.12 * sport],
                ],
                24,
            ),
            np.linspace(0.026, 0.052, 24),
        )
        for _ in (0,)
    ]
    stand_leg = [bar([-0.05, 0.13, 0.26], [-0.12, 0.28, 0.01], 0.015)]
    panels = [tank, *fender]
    lamp_size, lamp_at = ((0.1, 0.24, 0.12), (0.63, 0.86)) if sport else ((0.18, 0.19, 0.19), (0.57, 0.86))
    if sport:
        fairing = loft(
            np.array(
                [
                    _blade(x, w, z0, z1)
                    for x, w, z0, z1 in (
                        (0.05, 0.20, 0.30, 0.60),
                        (0.25, 0.23, 0.28, 0.85),
                        (0.42, 0.22, 0.36, 0.98),
                        (0.55, 0.19, 0.55, 1.0),
                        (0.68, 0.10, 0.74, 0.92),
                    )
                ]
            )
        )
        tail_cone = ellipsoid((0.66, 0.24, 0.16), 12, 18).moved(-0.62, 0, 0.84)
        panels += [fairing, tail_cone]
    lamp = [ellipsoid(lamp_size, 12, 16).moved(lamp_at[0], 0, lamp_at[1])]
    tail = [box((0.05, 0.16, 0.07), 0.02).moved(rear - 0.18, 0, 0.72)]
    plate = [box((0.01, 0.2, 0.15)).turned("y", -12).moved(rear - 0.26, 0, 0.48)]
    return [
        part(panels, paint(colour)),
        part([seat, *grips, *mirrors, *frame], DARK_PLASTIC),
        part([*engine, *fins], STEEL),
        part([*bars, *stems, *forks, *pipes, *swing, *stand_leg], CHROME),
        part(lamp, HEADLIGHT),
        part(tail, TAILLIGHT),
        part(plate, PLATE),
        *wheel_parts(wheel, [(front, 0.001, radius), (rear, 0.001, radius)]),
    ]


def _wide_guard(radius: float, x: float, start_deg: float, end_deg: float, half: float) -> Shape:
    t = np.radians(np.linspace(start_deg, end_deg, 18))
    section = [(half, -0.02), (half * 0.7, 0.03), (0.0, 0.045), (-half * 0.7, 0.03), (-half, -0.02), (0.0, 0.02)]
    rings = [
        [(x + (radius + 0.02 + h) * np.cos(a), y, radius + (radius + 0.02 + h) * np.sin(a)) for y, h in section]
        for a in t
    ]
    return loft(np.array(rings)[:, ::-1])


def _blade(x: float, half: float, low: float, high: float) -> Points:
    t = np.arange(16) * (np.pi / 8)
    return np.stack([np.full_like(t, x), half * np.cos(t), (low + high) / 2 + (high - low) / 2 * np.sin(t)], 1)
