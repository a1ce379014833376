"""What is read off a softmax equals its formula in float64, in strips or not, also where one logit leads far."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from ood_eval.networks import strips
from ood_eval.networks.softmax import Softmax, top

_LOGITS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 2), st.integers(1, 15), st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(-60, 60, width=32) | st.sampled_from([0.0, 3.0, 30.0]),
)


@given(_LOGITS)
def test_the_sum_the_others_and_the_entropy_are_their_formulas(logits: NDArray[np.float32]) -> None:
    found = Softmax.of(torch.from_numpy(logits))
    exact = logits.astype(np.float64)
    p = np.exp(log_softmax(exact, axis=1))
    np.testing.assert_allclose(found.log_sum.numpy(), logsumexp(exact, axis=1), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(found.others.numpy(), np.sort(p, axis=1)[:, :-1].sum(axis=1), rtol=2e-5, atol=1e-37)
    entropy = -(p * log_softmax(exact, axis=1)).sum(axis=1)
    np.testing.assert_allclose(found.entropy.numpy(), entropy, rtol=2e-5, atol=1e-6)


@given(_LOGITS)
def test_the_top_is_the_first_of_the_highest(logits: NDArray[np.float32]) -> None:
    values, channels = top(torch.from_numpy(logits))
    assert np.array_equal(values.numpy(), logits.max(axis=1))
    assert np.array_equal(channels.numpy(), logits.argmax(axis=1))
    assert (values.dtype, channels.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 7, 6), (1, 300, 3, 2)])
def test_strips_change_nothing(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]) -> None:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    whole = (*top(logits), Softmax.of(logits).entropy)
    monkeypatch.setattr(strips, "_STRIP", 1)
    for one, other in zip((*top(logits), Softmax.of(logits).entropy), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
    assert whole[0].shape == (shape[0], *shape[2:])


def test_logits_that_are_no_numbers_have_some_channel() -> None:
    _, channels = top(torch.full((1, 3, 2, 2), torch.nan))
    assert bool((channels == 2).all())
