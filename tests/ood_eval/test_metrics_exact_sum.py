"""Exact sums: no rounding, no order, no grouping."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ood_eval.metrics import ExactSum

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


def summed(values: list[float]) -> ExactSum:
    total = ExactSum()
    for value in values:
        total.add(value)
    return total


@given(VALUES)
def test_the_mean_is_the_exact_one_rounded_once(values: list[float]) -> None:
    exact = sum(map(Fraction, values)) / len(values)
    assert summed(values).mean(len(values)) == float(exact)


@given(VALUES, st.randoms(), st.integers(0, 30))
def test_order_and_grouping_do_not_count(values: list[float], order, cut: int) -> None:
    mixed = list(values)
    order.shuffle(mixed)
    parts = summed(mixed[cut:])
    parts.merge(ExactSum(summed(mixed[:cut]).digits))
    assert parts.mean(len(values)) == summed(values).mean(len(values))


def test_what_is_no_number_is_refused_and_no_summand_has_no_mean() -> None:
    assert math.isnan(ExactSum().mean(0))
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="cannot be summed"):
            ExactSum().add(value)
