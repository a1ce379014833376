"""People on foot: lofted clothes and limbs in a walking or standing pose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from hazardsim.mesh.assemble import part, stand
from hazardsim.mesh.materials import Colour, cloth
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Points, Shape, box, ellipsoid, joined, loft, rotation, smooth_curve, tube

Outfit = Literal["shirt", "jacket", "coat", "dress", "shorts"]


@dataclass(frozen=True, slots=True)
class Appearance:
    """What tells one person from another; `stride_deg` is the front leg's swing, 0 stands; heights in metres."""

    height_m: float
    build: float
    outfit: Outfit
    top: Colour
    bottom: Colour
    shoes: Colour
    skin: Colour
    hair: Colour
    long_hair: bool
    stride_deg: float
    bag: Colour | None = None
    child: bool = False


_TORSO: Final = (
    (0.455, 0.082, 0.062, -0.004),
    (0.50, 0.096, 0.070, -0.006),
    (0.545, 0.094, 0.068, -0.004),
    (0.60, 0.083, 0.060, 0.004),
    (0.66, 0.090, 0.064, 0.004),
    (0.72, 0.101, 0.070, 0.002),
    (0.765, 0.106, 0.068, -0.002),
    (0.795, 0.100, 0.058, -0.006),
    (0.816, 0.078, 0.047, -0.008),
    (0.83, 0.055, 0.040, -0.008),
    (0.842, 0.038, 0.034, -0.008),
)
"""Rings of the trunk: height, half width, half depth and forward shift, in body heights."""


def person_parts(person: Appearance) -> tuple[Part, ...]:
    """A person who faces +x, feet on z = 0, made to `height_m`; a child's larger head stands out above by some 6 %."""
    swing = math.radians(person.stride_deg)
    top = cloth("top", person.top)
    bottom = cloth("bottom", person.bottom)
    skin = Material("skin", person.skin, roughness=0.55)
    bare_legs = person.outfit in ("dress", "shorts")
    wide = 1.16 if person.outfit in ("jacket", "coat") else 1.05
    trousers: list[Shape] = [_trunk(person, [r for r in _TORSO if r[0] <= 0.55], 1.0)] if not bare_legs else []
    legs, shoes = [], []
    for side, angle in ((1.0, swing), (-1.0, -swing * 0.9)):
        leg, shoe = _leg(person, side, angle, bare=bare_legs)
        legs.append(leg)
        shoes += shoe
    sleeves, hands = [], []
    for side, angle in ((1.0, -swing * 0.75), (-1.0, swing * 0.9)):
        sleeve, hand = _arm(person, side, angle, wide)
        sleeves.append(sleeve)
        hands += hand
    hem = {"shirt": 0.50, "jacket": 0.465, "coat": 0.30, "dress": 0.27, "shorts": 0.5}[person.outfit]
    trunk = [_trunk(person, [r for r in _TORSO if r[0] > 0.49], wide), *sleeves]
    if hem < 0.49:
        trunk.append(_skirt(person, hem, wide, abs(swing)))
    if person.outfit == "shorts":
        trousers = [_trunk(person, [r for r in _TORSO if r[0] <= 0.55], 1.02)]
        trousers += [_shorts_leg(person, s, a) for s, a in ((1.0, swing), (-1.0, -swing * 0.9))]
    head, hair = _head(person)
    parts = [
        part(trunk, top),
        part([*head, *hands, *(legs if bare_legs else [])], skin),
        part(shoes, Material("shoes", person.shoes, roughness=0.5)),
        part(hair, Material("hair", person.hair, roughness=0.75)),
    ]
    if trousers or not bare_legs:
        parts.append(part([*trousers, *([] if bare_legs else legs)], bottom))
    if person.bag is not None:
        pack = [
            box((0.10, 0.19, 0.25), 0.045).moved(-0.135, 0, 0.575),
            box((0.05, 0.14, 0.11), 0.024).moved(-0.195, 0, 0.59),
        ]
        straps = [
            tube(
                smooth_curve(
                    [
                        (-0.09, s * 0.06, 0.79),
                        (-0.03, s * 0.062, 0.835),
                        (0.066, s * 0.062, 0.76),
                        (0.078, s * 0.075, 0.68),
                        (-0.08, s * 0.1, 0.62),
                    ],
                    14,
                ),
                0.009,
                6,
            )
            for s in (1, -1)
        ]
        parts.append(part([*pack, *straps], cloth("bag", person.bag)))
    return stand([_grown(p, person.height_m) for p in parts])


def _grown(old: Part, height: float) -> Part:
    return Part(old.vertices * np.float32(height), old.faces, old.uv * np.float32(height), old.material, old.normals)


def _ring(z: float, half_width: float, half_depth: float, shift: float, count: int = 28) -> Points:
    t = np.arange(count) * (2 * math.pi / count)
    c, s = np.cos(t), np.sin(t)
    x = np.sign(c) * np.abs(c) ** 0.85 * half_depth + shift
    y = np.sign(s) * np.abs(s) ** 0.85 * half_width
    return np.stack([x, y, np.full(count, z)], axis=1)


def _trunk(person: Appearance, rows: list[tuple[float, float, float, float]], wide: float) -> Shape:
    knots = smooth_curve(rows, 3 * len(rows))
    belly = 1.0 + 0.35 * (person.build - 1.0) * np.exp(-(((knots[:, 0] - 0.6) / 0.08) ** 2))
    rings = [
        _ring(z, w * wide * person.build, d * wide * person.build * b, x + 0.02 * (b - 1))
        for (z, w, d, x), b in zip(knots, belly, strict=True)
    ]
    return loft(np.array(rings))


def _skirt(person: Appearance, hem: float, wide: float, swing: float) -> Shape:
    drop = 0.53 - hem
    spread = drop * math.sin(swing) * 0.55
    flare = 0.014 if person.outfit == "coat" else 0.03
    rows = []
    for t in np.linspace(0, 1, 7):
        z = hem + drop * t
        open_ = (1 - t) ** 0.8
        rows.append(
            _ring(
                z,
                (0.094 + flare * open_) * wide * person.build,
                (0.068 + flare * open_) * wide * person.build + spread * open_,
                -0.004,
            )
        )
    return loft(np.array(rows))


def _leg_path(side: float, angle: float) -> Points:
    hip = np.array([0.0, 0.05 * side, 0.485])
    thigh = hip + 0.225 * np.array([math.sin(angle * 0.95), 0.0, -math.cos(angle * 0.95)])
    bend = 0.12 if angle >= 0 else 0.6 * abs(angle) + 0.12
    lower = angle - bend
    knee = thigh
    ankle = knee + 0.225 * np.array([math.sin(lower), -0.03 * side, -math.cos(lower)])
    return np.array([hip, knee, ankle])


def _leg(person: Appearance, side: float, angle: float, bare: bool) -> tuple[Shape, list[Shape]]:
    hip, knee, ankle = _leg_path(side, angle)
    path = smooth_curve([hip, (hip + knee) / 2, knee, (knee + ankle) / 2, ankle], 17)
    radii = [0.057, 0.05, 0.035, 0.037, 0.022] if bare else [0.058, 0.053, 0.042, 0.039, 0.034]
    radius = smooth_curve(np.array(radii)[:, None], 17)[:, 0] * person.build
    leg = tube(path, radius, 14)
    pitch = math.degrees(angle) * (0.75 if angle > 0 else 1.1)
    sole = box((0.148, 0.054, 0.018), 0.008).moved(0.034, 0, -0.04)
    upper = ellipsoid((0.14, 0.052, 0.064), 10, 16).moved(0.036, 0, -0.022)
    heel = ellipsoid((0.062, 0.05, 0.08), 8, 12).moved(-0.008, 0, -0.006)
    foot = [s.turned("y", -pitch).turned("z", 6 * side).moved(*ankle) for s in (sole, upper, heel)]
    return leg, foot


def _shorts_leg(person: Appearance, side: float, angle: float) -> Shape:
    hip, knee, _ = _leg_path(side, angle)
    path = smooth_curve([hip, (hip + knee) / 2, hip + 0.82 * (knee - hip)], 8)
    return tube(path, np.linspace(0.062, 0.055, 8) * person.build, 16)


def _arm(person: Appearance, side: float, angle: float, wide: float) -> tuple[Shape, list[Shape]]:
    build = person.build
    shoulder = np.array([-0.006, 0.104 * side * build * min(wide, 1.1), 0.79])
    upper = rotation("y", math.degrees(-angle)) @ np.array([0.0, 0.030 * side, -0.165])
    elbow = shoulder + upper
    fore = rotation("y", math.degrees(-angle) - 22) @ np.array([0.0, 0.012 * side, -0.15])
    wrist = elbow + fore
    path = smooth_curve(
        [np.add(shoulder, [0, -0.022 * side, 0.016]), shoulder + upper * 0.5, elbow, (elbow + wrist) / 2, wrist], 15
    )
    radius = smooth_curve(np.array([0.038, 0.034, 0.029, 0.026, 0.021])[:, None], 15)[:, 0] * build * wide
    radius[0] *= 0.72
    radius[1] *= 0.94
    hand = ellipsoid((0.034, 0.024, 0.085), 8, 12).turned("y", math.degrees(-angle) - 24).moved(*(wrist + fore * 0.22))
    wrist_skin = tube(np.array([wrist - fore * 0.05, wrist + fore * 0.12]), 0.016, 10)
    cap = (
        ellipsoid((0.07, 0.066, 0.07), 10, 14)
        .scaled(build * wide, build * wide, build * wide)
        .moved(*(np.add(shoulder, [0, -0.008 * side, -0.012])))
    )
    return joined([tube(path, radius, 14), cap]), [hand, wrist_skin]


def _head(person: Appearance) -> tuple[list[Shape], list[Shape]]:
    big = 1.22 if person.child else 1.0

    def placed(size: ArrayLike, x: float, z: float) -> Shape:
        return ellipsoid([v * big for v in np.asarray(size)], 16, 22).moved(x * big, 0, 0.86 + z * big)

    skull = placed((0.112, 0.090, 0.118), 0.004, 0.080)
    jaw = placed((0.086, 0.072, 0.095), 0.016, 0.046)
    nose = placed((0.026, 0.018, 0.034), 0.064, 0.058)
    ears = [ellipsoid((0.02, 0.012, 0.034), 6, 8).moved(0.0, s * 0.045 * big, 0.86 + 0.06 * big) for s in (1, -1)]
    neck = tube([(-0.012, 0, 0.80), (-0.004, 0, 0.89)], 0.032, 16)
    hair = [placed((0.118, 0.100, 0.106), -0.012, 0.094), placed((0.07, 0.092, 0.10), -0.026, 0.066)]
    if person.long_hair:
        hair += [placed((0.062, 0.098, 0.17), -0.034, 0.035), placed((0.05, 0.085, 0.12), -0.040, -0.015)]
    return [skull, jaw, nose, neck, *ears], hair


def random_appearance(rng: np.random.Generator, child: bool = False) -> Appearance:
    """One likely passer-by."""
    female = bool(rng.random() < 0.5)
    height = float(rng.uniform(1.15, 1.45)) if child else float(rng.uniform(-0.11, 0.11)) + (1.65 if female else 1.78)
    outfits: tuple[Outfit, ...] = (
        ("shirt", "jacket", "coat", "dress", "shorts") if female else ("shirt", "jacket", "coat", "shorts")
    )
    shares = [0.3, 0.3, 0.15, 0.15, 0.1] if female else [0.35, 0.4, 0.15, 0.1]
    moving = bool(rng.random() < 0.75)
    return Appearance(
        height_m=round(height, 3),
        build=float(rng.uniform(0.94, 1.1)) * (0.95 if female else 1.0) * (1.03 if child else 1.0),
        outfit=outfits[int(rng.choice(len(outfits), p=shares))],
        top=_TOPS[int(rng.integers(len(_TOPS)))],
        bottom=_BOTTOMS[int(rng.integers(len(_BOTTOMS)))],
        shoes=_SHOES[int(rng.integers(len(_SHOES)))],
        skin=_SKINS[int(rng.integers(len(_SKINS)))],
        hair=_HAIR[int(rng.integers(len(_HAIR)))],
        long_hair=female and bool(rng.random() < 0.75),
        stride_deg=float(rng.uniform(16, 27)) if moving else 2.0,
        bag=_TOPS[int(rng.integers(len(_TOPS)))] if rng.random() < 0.3 else None,
        child=child,
    )


_TOPS: Final[tuple[Colour, ...]] = (
    (0.75, 0.75, 0.72),
    (0.12, 0.14, 0.2),
    (0.45, 0.07, 0.07),
    (0.1, 0.22, 0.42),
    (0.2, 0.3, 0.2),
    (0.62, 0.5, 0.34),
    (0.55, 0.57, 0.6),
    (0.8, 0.62, 0.15),
    (0.05, 0.05, 0.055),
    (0.3, 0.17, 0.3),
    (0.68, 0.3, 0.22),
    (0.3, 0.45, 0.5),
)
_BOTTOMS: Final[tuple[Colour, ...]] = (
    (0.11, 0.15, 0.25),
    (0.2, 0.27, 0.4),
    (0.06, 0.06, 0.07),
    (0.3, 0.29, 0.27),
    (0.45, 0.38, 0.28),
    (0.16, 0.17, 0.14),
)
_SHOES: Final[tuple[Colour, ...]] = (
    (0.05, 0.045, 0.04),
    (0.75, 0.75, 0.74),
    (0.25, 0.15, 0.09),
    (0.4, 0.08, 0.08),
    (0.15, 0.17, 0.25),
)
_SKINS: Final[tuple[Colour, ...]] = (
    (0.86, 0.67, 0.55),
    (0.78, 0.57, 0.44),
    (0.62, 0.42, 0.3),
    (0.42, 0.27, 0.19),
    (0.28, 0.18, 0.13),
)
_HAIR: Final[tuple[Colour, ...]] = (
    (0.05, 0.04, 0.035),
    (0.16, 0.1, 0.06),
    (0.33, 0.21, 0.12),
    (0.62, 0.47, 0.27),
    (0.5, 0.49, 0.48),
)
