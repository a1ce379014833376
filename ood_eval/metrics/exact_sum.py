"""Sums of float64 values without rounding, so that they do not depend on the order or the grouping of the summands."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A finite float64 is an integer times 2**-1074 below 2**1024: 66 digits of 32 bits hold it and 2**31 summands more.
_DIGIT_BITS: Final = 32
_DIGITS: Final = 67
_LOWEST: Final = 1074


class ExactSum:
    """The exact sum of float64 values, a commutative monoid of fixed size.

    The sum is kept as integer digits of 32 bits in units of 2**-1074, each digit with the sign of its summands and room
    for 2**31 of them, as in the superaccumulators of Kulisch (Computer Arithmetic and Validity, 2013, chapter 8).

    Args:
        digits: what `digits` of another sum gave; zero, if not given.
    """

    def __init__(self, digits: NDArray[np.int64] | None = None) -> None:
        self.digits: NDArray[np.int64] = np.zeros(_DIGITS, dtype=np.int64) if digits is None else digits.copy()

    def add(self, value: float) -> None:
        """Adds one finite value.

        Raises:
            ValueError: the value is NaN or infinite.
        """
        numerator, denominator = value.as_integer_ratio() if np.isfinite(value) else _refused(value)
        units, place = abs(numerator) << (_LOWEST - denominator.bit_length() + 1), 0
        while units:
            place = max((units & -units).bit_length() - 1, 0) // _DIGIT_BITS
            part = units >> (place * _DIGIT_BITS) & ((1 << _DIGIT_BITS) - 1)
            self.digits[place] += part if numerator > 0 else -part
            units -= part << (place * _DIGIT_BITS)

    def merge(self, other: ExactSum) -> None:
        """Adds another sum."""
        self.digits += other.digits

    def mean(self, count: int) -> float:
        """The sum divided by `count`, rounded once; NaN for a count of 0."""
        if count == 0:
            return float("nan")
        total = sum(int(digit) << (place * _DIGIT_BITS) for place, digit in enumerate(self.digits))
        return float(Fraction(total, count << _LOWEST))


def _refused(value: float) -> tuple[int, int]:
    raise ValueError(f"{value} cannot be summed")
