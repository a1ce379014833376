"""Proportions of the passenger cars and vans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class CarForm:
    """Proportions of a car: `s` runs from 0 at the tail to 1 at the nose, `h` from 0 at the road to 1 at the roof.

    `top` and `under` are (s, h) knots of the body's upper and lower line; the cabin stands between `cabin_low` (s of
    its rear and front foot) and `cabin_high` (s of the roof's ends); `glass` are its side
    panes (0 rear .. 1 front).
    """

    top: tuple[tuple[float, float], ...]
    under: tuple[tuple[float, float], ...]
    cabin_low: tuple[float, float]
    cabin_high: tuple[float, float]
    belt: float
    axles: tuple[float, float]
    wheel_radius: float
    glass: tuple[tuple[float, float], ...]
    tail_width: float = 0.86
    nose_width: float = 0.78
    roof_width: float = 0.78
    cladding: float = 0.0
    spokes: int = 7
    tall_lamps: bool = False


_UNDER: Final = ((0.0, 0.30), (0.012, 0.20), (0.06, 0.135), (0.5, 0.125), (0.93, 0.13), (0.985, 0.17), (1.0, 0.26))
_TALL_UNDER: Final = ((0.0, 0.30), (0.012, 0.22), (0.06, 0.165), (0.5, 0.15), (0.93, 0.165), (0.985, 0.2), (1.0, 0.28))
FORMS: Final[dict[str, CarForm]] = {
    "hatchback": CarForm(
        top=(
            (0, 0.40),
            (0.01, 0.52),
            (0.05, 0.60),
            (0.2, 0.635),
            (0.5, 0.625),
            (0.70, 0.60),
            (0.86, 0.545),
            (0.955, 0.475),
            (0.988, 0.41),
            (1, 0.34),
        ),
        under=_UNDER,
        cabin_low=(0.015, 0.735),
        cabin_high=(0.11, 0.52),
        belt=0.60,
        axles=(0.165, 0.81),
        wheel_radius=0.31,
        glass=((0.06, 0.24), (0.29, 0.55), (0.59, 0.93)),
        tall_lamps=True,
    ),
    "sedan": CarForm(
        top=(
            (0, 0.40),
            (0.008, 0.54),
            (0.03, 0.645),
            (0.15, 0.665),
            (0.35, 0.65),
            (0.6, 0.63),
            (0.72, 0.60),
            (0.88, 0.535),
            (0.96, 0.465),
            (0.99, 0.40),
            (1, 0.34),
        ),
        under=_UNDER,
        cabin_low=(0.13, 0.735),
        cabin_high=(0.275, 0.56),
        belt=0.62,
        axles=(0.19, 0.805),
        wheel_radius=0.33,
        glass=((0.14, 0.48), (0.53, 0.93)),
        spokes=10,
    ),
    "coupe": CarForm(
        top=(
            (0, 0.42),
            (0.01, 0.56),
            (0.03, 0.68),
            (0.14, 0.70),
            (0.35, 0.67),
            (0.6, 0.65),
            (0.70, 0.625),
            (0.87, 0.55),
            (0.96, 0.47),
            (0.99, 0.40),
            (1, 0.33),
        ),
        under=_UNDER,
        cabin_low=(0.10, 0.70),
        cabin_high=(0.29, 0.51),
        belt=0.64,
        axles=(0.185, 0.79),
        wheel_radius=0.335,
        glass=((0.20, 0.40), (0.44, 0.93)),
        roof_width=0.72,
        spokes=5,
    ),
    "wagon": CarForm(
        top=(
            (0, 0.40),
            (0.008, 0.54),
            (0.04, 0.62),
            (0.2, 0.645),
            (0.5, 0.63),
            (0.70, 0.605),
            (0.87, 0.54),
            (0.958, 0.47),
            (0.988, 0.41),
            (1, 0.34),
        ),
        under=_UNDER,
        cabin_low=(0.012, 0.735),
        cabin_high=(0.09, 0.545),
        belt=0.61,
        axles=(0.19, 0.81),
        wheel_radius=0.325,
        glass=((0.05, 0.28), (0.32, 0.59), (0.63, 0.93)),
        spokes=5,
    ),
    "suv": CarForm(
        top=(
            (0, 0.42),
            (0.008, 0.54),
            (0.04, 0.61),
            (0.2, 0.63),
            (0.5, 0.625),
            (0.73, 0.61),
            (0.88, 0.575),
            (0.955, 0.52),
            (0.988, 0.44),
            (1, 0.36),
        ),
        under=_TALL_UNDER,
        cabin_low=(0.012, 0.75),
        cabin_high=(0.075, 0.59),
        belt=0.60,
        axles=(0.19, 0.81),
        wheel_radius=0.365,
        glass=((0.05, 0.28), (0.32, 0.58), (0.62, 0.94)),
        cladding=0.16,
        roof_width=0.82,
        tall_lamps=True,
        tail_width=0.9,
        nose_width=0.84,
    ),
    "offroad": CarForm(
        top=(
            (0, 0.46),
            (0.008, 0.56),
            (0.02, 0.60),
            (0.2, 0.61),
            (0.5, 0.61),
            (0.70, 0.61),
            (0.9, 0.60),
            (0.965, 0.585),
            (0.99, 0.54),
            (1, 0.42),
        ),
        under=_TALL_UNDER,
        cabin_low=(0.012, 0.70),
        cabin_high=(0.03, 0.64),
        belt=0.595,
        axles=(0.19, 0.82),
        wheel_radius=0.39,
        glass=((0.05, 0.30), (0.35, 0.61), (0.66, 0.95)),
        cladding=0.2,
        roof_width=0.88,
        tall_lamps=True,
        tail_width=0.96,
        nose_width=0.93,
        spokes=6,
    ),
    "van": CarForm(
        top=(
            (0, 0.30),
            (0.006, 0.40),
            (0.02, 0.46),
            (0.3, 0.47),
            (0.7, 0.47),
            (0.84, 0.465),
            (0.92, 0.425),
            (0.972, 0.36),
            (0.992, 0.29),
            (1, 0.22),
        ),
        under=((0.0, 0.17), (0.012, 0.12), (0.06, 0.10), (0.5, 0.09), (0.93, 0.095), (0.985, 0.12), (1.0, 0.16)),
        cabin_low=(0.008, 0.905),
        cabin_high=(0.02, 0.755),
        belt=0.45,
        axles=(0.2, 0.83),
        wheel_radius=0.34,
        glass=((0.76, 0.95),),
        roof_width=0.86,
        tail_width=0.96,
        nose_width=0.82,
        spokes=6,
        tall_lamps=True,
    ),
    "minibus": CarForm(
        top=(
            (0, 0.34),
            (0.006, 0.46),
            (0.02, 0.52),
            (0.3, 0.53),
            (0.8, 0.53),
            (0.93, 0.525),
            (0.975, 0.50),
            (0.993, 0.42),
            (1, 0.3),
        ),
        under=((0.0, 0.21), (0.012, 0.16), (0.06, 0.14), (0.5, 0.13), (0.93, 0.14), (0.985, 0.16), (1.0, 0.2)),
        cabin_low=(0.008, 0.975),
        cabin_high=(0.03, 0.89),
        belt=0.51,
        axles=(0.22, 0.80),
        wheel_radius=0.33,
        glass=((0.04, 0.27), (0.31, 0.50), (0.54, 0.73), (0.77, 0.96)),
        roof_width=0.84,
        tail_width=0.94,
        nose_width=0.9,
        spokes=0,
    ),
}
