"""Passenger cars and vans: a lofted body, a cabin with separate glass, wheels, lamps and trim."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from hazardsim.mesh.assemble import part, stand
from hazardsim.mesh.drape import FRONT, LEFT, REAR, draped
from hazardsim.mesh.materials import (
    CHROME,
    DARK_PLASTIC,
    HEADLIGHT,
    PLATE,
    SHADOW,
    TAILLIGHT,
    TINTED_GLASS,
    Colour,
    paint,
)
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Points, Shape, box, ellipsoid, grid, joined, loft, smooth_curve
from hazardsim.street.car_forms import CarForm
from hazardsim.street.wheels import road_wheel, wheel_parts

_SIDE: Final = (
    (0.0, 0.0),
    (0.55, 0.0),
    (0.86, 0.0),
    (0.935, 0.025),
    (0.965, 0.075),
    (0.98, 0.15),
    (0.993, 0.28),
    (1.0, 0.45),
    (0.998, 0.58),
    (1.0, 0.68),
    (0.985, 0.78),
    (0.962, 0.87),
    (0.93, 0.935),
    (0.87, 0.98),
    (0.76, 1.005),
    (0.55, 1.022),
    (0.28, 1.032),
    (0.0, 1.035),
)
"""Half a cross section: share of the half width, share of the way from the lower to the upper line."""


def car_parts(form: CarForm, size_m: tuple[float, float, float], colour: Colour) -> tuple[Part, ...]:
    """A car of that form, `size_m` (length, width over the mirrors, height), standing on the origin."""
    length, width, height = size_m
    body_width = width - 2 * _MIRROR
    skin = _body(form, length, body_width, height)
    body = joined([skin["shell"], skin["under"]])
    cabin = _cabin(form, length, body_width, height)
    coat = paint(colour)
    left = [*_side_trim(form, body, length, body_width, height)]
    parts = [
        part([skin["shell"], cabin["frame"]], coat),
        part([skin["under"], *_both([s for k, s in left if k == "dark"])], DARK_PLASTIC),
        part([cabin["glass"]], TINTED_GLASS),
        part(_wells(form, length, body_width, height), SHADOW),
        part(_both([s for k, s in left if k == "paint"]), coat),
    ]
    parts += [part(shapes, material) for material, shapes in _ends(form, body, body_width, height)]
    wheel_width = 0.135 + 0.25 * form.wheel_radius
    wheel = road_wheel(form.wheel_radius, wheel_width, form.spokes or 12)
    y = body_width / 2 - wheel_width / 2 - 0.015
    places = [((a - 0.5) * length, side * y, form.wheel_radius) for a in form.axles for side in (1, -1)]
    return stand([*parts, *wheel_parts(wheel, places)], size_m)


_MIRROR: Final = 0.09
"""How far a mirror stands out, metres."""


def _both(shapes: list[Shape]) -> list[Shape]:
    return [*shapes, *(s.mirrored() for s in shapes)]


def _body(form: CarForm, length: float, width: float, height: float) -> dict[str, Shape]:
    arch = form.wheel_radius * 1.13
    ends = 0.5 * (1 - np.cos(np.linspace(0, np.pi, 37)))
    arcs = [a + np.linspace(-1, 1, 17) * arch / length for a in form.axles]
    steps = [a + sign * arch / length * k for a in form.axles for sign in (-1, 1) for k in (1.0, 1.002)]
    s = np.unique(np.concatenate([ends, *arcs, np.array(steps)]))
    top = _line(form.top, s) * height
    under = _line(form.under, s) * height
    u = np.abs(2 * s - 1)
    shrink = np.where(s > 0.5, 1 - form.nose_width, 1 - form.tail_width)
    half = width / 2 * (1 - shrink * np.clip((u - 0.55) / 0.45, 0, 1) ** 3.2 - 0.012 * u)
    lift = under.copy()
    for a in form.axles:
        d = (s - a) * length
        inside = np.abs(d) <= arch * 1.0001
        lift[inside] = np.maximum(lift, form.wheel_radius + np.sqrt(np.clip(arch**2 - d**2, 0, None)))[inside]
    side = smooth_curve(_SIDE, 2 * (len(_SIDE) - 1) + 1)
    y = half[:, None] * np.clip(side[:, 0], 0, 1)
    z = under[:, None] + (top - under)[:, None] * side[:, 1]
    z = np.maximum(z, lift[:, None])
    x = np.broadcast_to(((s - 0.5) * length)[:, None], y.shape)
    right = np.stack([x, -y, z], axis=-1)
    left = np.stack([x, y, z], axis=-1)[:, ::-1]
    rings = np.concatenate([right, left[:, 1:-1]], axis=1)
    count = rings.shape[1]
    dark = int(np.searchsorted(side[:, 1], max(form.cladding, 0.07)))
    skin = grid(rings, close_columns=True)
    column = np.tile(np.arange(count), len(s) - 1)
    low = (column < dark) | (column >= count - dark)
    cap = loft(rings[[0, -1]])
    caps = Shape(cap.points, cap.faces[2 * count :])
    low_faces = np.concatenate([low, low])
    return {
        "shell": joined([Shape(skin.points, skin.faces[~low_faces]), caps]),
        "under": Shape(skin.points, skin.faces[low_faces]),
    }


def _line(knots: tuple[tuple[float, float], ...], s: Points) -> Points:
    curve = smooth_curve(knots, 40 * len(knots))
    return np.interp(s, np.maximum.accumulate(curve[:, 0]), curve[:, 1])


def _cabin(form: CarForm, length: float, width: float, height: float) -> dict[str, Shape]:
    """The cabin's frame and glass: a surface from the belt up to the roof, glass by its cells."""
    foot = form.belt * height - 0.02
    low_x = [(s - 0.5) * length for s in form.cabin_low]
    high_x = [(s - 0.5) * length for s in form.cabin_high]
    low_y, high_y = width / 2 * 0.925, width / 2 * form.roof_width
    crown = 0.035 * height
    rows = [0.0, 0.1, 0.14, 0.3, 0.5, 0.7, 0.84, 0.87, 0.93, 1.0]
    cuts = sorted({0.0, 1.0, *(c for pane in form.glass for c in pane)})
    side = np.unique(np.concatenate([np.linspace(a, b, 4) for a, b in pairwise(cuts)]))
    cross = np.array([-1.0, -0.92, -0.86, -0.6, -0.3, 0.0, 0.3, 0.6, 0.86, 0.92, 1.0])
    around = [
        *[("side", t, -1.0) for t in side],
        *[("front", 1.0, c) for c in cross[1:-1]],
        *[("side", t, 1.0) for t in side[::-1]],
        *[("rear", 0.0, c) for c in cross[::-1][1:-1]],
    ]
    points = np.zeros((len(rows), len(around), 3))
    for r, t in enumerate(rows):
        bulge = np.sin(t * np.pi * 0.5)
        y = low_y + (high_y - low_y) * (t**1.25)
        x0 = low_x[0] + (high_x[0] - low_x[0]) * t
        x1 = low_x[1] + (high_x[1] - low_x[1]) * t
        for c, (_, along, across) in enumerate(around):
            bow = 0.022 * length * (1 - abs(across) ** 2.5) if along > 0.5 else 0.014 * length * abs(across) ** 2.5
            ends = bow if along in (0.0, 1.0) else 0.0
            swell = 0.012 * width * np.sin(np.pi * along)
            points[r, c] = (
                x0 + (x1 - x0) * along + ends,
                across * (y + swell),
                foot + (height - crown - foot) * (0.35 * bulge + 0.65 * t),
            )
    skin = grid(points, close_columns=True)
    middle = np.array([(high_x[0] + high_x[1]) / 2, 0.0, 0.0])
    cap_rows = [points[-1]]
    for keep, rise in ((0.985, 0.35), (0.955, 0.58), (0.9, 0.74), (0.75, 0.87), (0.5, 0.96), (0.25, 0.99), (0.0, 1.0)):
        ring = (points[-1] - middle) * np.array([0.3 + 0.7 * keep if keep > 0.8 else keep, keep, 1.0]) + middle
        ring[:, 2] = height - crown + crown * rise
        cap_rows.append(ring)
    roof = grid(np.array(cap_rows), close_columns=True)
    cells = len(around)
    pane = np.zeros((len(rows) - 1, cells), dtype=bool)
    for r in range(len(rows) - 1):
        for c in range(cells):
            pane[r, c] = _is_glass(form, rows[r], rows[r + 1], around[c], around[(c + 1) % cells])
    panes = np.concatenate([pane.ravel(), pane.ravel()])
    return {
        "frame": joined([Shape(skin.points, skin.faces[~panes]), roof]),
        "glass": Shape(skin.points, skin.faces[panes]),
    }


def _is_glass(
    form: CarForm, low: float, high: float, one: tuple[str, float, float], two: tuple[str, float, float]
) -> bool:
    if low < 0.1 - 1e-9 or high > 0.87 + 1e-9:
        return False
    if one[0] == two[0] == "side":
        if one[2] != two[2]:
            return False
        a, b = sorted((one[1], two[1]))
        return any(a >= p[0] - 1e-9 and b <= p[1] + 1e-9 for p in form.glass)
    return max(abs(one[2]), abs(two[2])) <= 0.92 + 1e-9


def _side_trim(form: CarForm, body: Shape, length: float, width: float, height: float) -> list[tuple[str, Shape]]:
    """Door gaps, handles and mirrors of the left side, by 'dark' or 'paint'."""
    trim: list[tuple[str, Shape]] = []
    feet = form.cabin_low
    belt = form.belt * height
    sill = _line(form.under, np.array([0.5]))[0] * height + 0.07
    gaps = sorted({form.glass[-1][0] - 0.02, *([form.glass[-2][0] - 0.02] if len(form.glass) > 1 else [])})
    xs = [(feet[0] + (feet[1] - feet[0]) * g - 0.5) * length for g in gaps]
    front = (form.axles[1] - 0.5) * length - form.wheel_radius * 1.3
    rear = (form.axles[0] - 0.5) * length + form.wheel_radius * 1.18
    xs = sorted({max(x, rear) for x in xs} | {front})
    trim += [
        ("dark", draped(body, [(x, sill), (x + 0.012, sill), (x + 0.012, belt), (x, belt)], LEFT, 0.002, (1, 10)))
        for x in xs
    ]
    if xs[0] < xs[-1]:
        trim.append(
            (
                "dark",
                draped(
                    body,
                    [(xs[0], sill), (xs[-1], sill), (xs[-1], sill + 0.012), (xs[0], sill + 0.012)],
                    LEFT,
                    0.002,
                    (12, 1),
                ),
            )
        )
    for x in xs[:-1]:
        z = belt - 0.13 * height * 0.7
        grip = draped(
            body, [(x + 0.05, z), (x + 0.24, z), (x + 0.24, z + 0.035), (x + 0.05, z + 0.035)], LEFT, 0.018, (4, 2)
        )
        trim.append(("paint", grip))
        trim.append(
            (
                "dark",
                draped(
                    body,
                    [(x + 0.05, z - 0.012), (x + 0.25, z - 0.012), (x + 0.25, z), (x + 0.05, z)],
                    LEFT,
                    0.003,
                    (4, 1),
                ),
            )
        )
    foot = (form.cabin_low[1] - 0.5) * length
    lean = (form.cabin_high[1] - form.cabin_low[1]) * length
    x = foot + 0.2 * lean - 0.12
    shell = ellipsoid((0.12, 0.2, 0.15), 10, 14).moved(x, width / 2 + _MIRROR - 0.1, belt + 0.085)
    trim += [("paint", shell), ("dark", box((0.06, 0.12, 0.04), 0.01).moved(x, width / 2 - 0.05, belt + 0.0))]
    return trim


def _wells(form: CarForm, length: float, width: float, height: float) -> list[Shape]:
    low = _line(form.under, np.array([0.5]))[0] * height
    shapes = []
    for a in form.axles:
        r = form.wheel_radius * 1.13
        shapes.append(box((2 * r, width - 0.5, form.wheel_radius + r - low)).moved((a - 0.5) * length, 0, low))
    return shapes


def _ends(form: CarForm, body: Shape, width: float, height: float) -> list[tuple[Material, list[Shape]]]:
    """Lamps, grille, plates and bumper strips of nose and tail."""
    h, w = height, width / 2
    nose_z = _line(form.top, np.array([0.965]))[0] * h
    lamp = 0.085 * (1.25 if form.tall_lamps else 1.0)
    z1, z0 = nose_z - 0.015, nose_z - 0.02 - lamp
    nose = w * (form.nose_width + 0.07)
    head = draped(
        body,
        [(0.50 * nose, z0 + 0.01), (0.93 * nose, z0 + 0.025), (0.96 * nose, z1 + 0.015), (0.56 * nose, z1 - 0.02)],
        FRONT,
        0.006,
    )
    grille = draped(
        body,
        [(-0.46 * nose, z0 - 0.02), (0.46 * nose, z0 - 0.02), (0.49 * nose, z1 - 0.03), (-0.49 * nose, z1 - 0.03)],
        FRONT,
        0.004,
        (10, 4),
    )
    slats = [
        draped(
            body,
            [(-0.45 * nose, z), (0.45 * nose, z), (0.45 * nose, z + 0.012), (-0.45 * nose, z + 0.012)],
            FRONT,
            0.009,
            (10, 1),
        )
        for z in np.linspace(z0, z1 - 0.05, 3)
    ]
    under = _line(form.under, np.array([0.985]))[0] * h
    intake = draped(
        body,
        [
            (-0.62 * nose, under + 0.05),
            (0.62 * nose, under + 0.05),
            (0.55 * nose, under + 0.14),
            (-0.55 * nose, under + 0.14),
        ],
        FRONT,
        0.004,
        (10, 3),
    )
    plate_z = under + 0.16
    front_plate = draped(
        body, [(-0.26, plate_z), (0.26, plate_z), (0.26, plate_z + 0.11), (-0.26, plate_z + 0.11)], FRONT, 0.014, (4, 2)
    )
    deck = _line(form.top, np.array([0.02]))[0] * h
    tail = w * (form.tail_width + 0.06)
    t1 = deck - 0.02
    t0 = t1 - (0.22 if form.tall_lamps else 0.13)
    inner = 0.72 if form.tall_lamps else 0.56
    rear_lamp = draped(
        body,
        [(inner * tail, t0), (0.95 * tail, t0 + 0.01), (0.95 * tail, t1 - 0.01), ((inner + 0.04) * tail, t1)],
        REAR,
        0.006,
    )
    mid = 0.5 * (t0 + t1)
    rear_plate = draped(
        body, [(-0.26, mid - 0.07), (0.26, mid - 0.07), (0.26, mid + 0.04), (-0.26, mid + 0.04)], REAR, 0.012, (4, 2)
    )
    low = _line(form.under, np.array([0.012]))[0] * h
    bumper = draped(
        body,
        [(-0.8 * tail, low + 0.04), (0.8 * tail, low + 0.04), (0.85 * tail, low + 0.12), (-0.85 * tail, low + 0.12)],
        REAR,
        0.004,
        (10, 2),
    )
    return [
        (HEADLIGHT, _both([head])),
        (TAILLIGHT, _both([rear_lamp])),
        (DARK_PLASTIC, [grille, intake, bumper]),
        (CHROME, slats),
        (PLATE, [front_plate, rear_plate]),
    ]
