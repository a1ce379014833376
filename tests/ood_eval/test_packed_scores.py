"""Packed score maps come back to the bit, whatever they hold, and smooth ones are small."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ood_eval.errors import ResultError
from ood_eval.tasks.image_arrays import ImageArrays
from ood_eval.tasks.packed_scores import BYTES_A_SCORE, packed, unpacked

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(arrays(np.float32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=FLOATS))
@settings(max_examples=60)
def test_every_bit_comes_back(scores: np.ndarray) -> None:
    back = unpacked(packed(scores))
    assert back.shape == scores.shape
    np.testing.assert_array_equal(back.view(np.uint32), scores.view(np.uint32))


def test_a_smooth_map_takes_less_than_is_forecast() -> None:
    rows, columns = np.mgrid[:120, :160].astype(np.float32)
    scores = np.log1p(np.exp(np.sin(rows / 20) * 3 + np.cos(columns / 30) * 2)).astype(np.float32)
    assert packed(scores).nbytes < scores.size * BYTES_A_SCORE


@pytest.mark.parametrize("content", [b"", b"short", packed(np.ones((3, 4), dtype=np.float32)).tobytes()[:-3]])
def test_what_was_not_packed_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"packed|buffer|broadcast|shape"):
        unpacked(np.frombuffer(content, dtype=np.uint8))


def test_kept_maps_are_packed_and_come_back(tmp_path: Path) -> None:
    kept, scores = ImageArrays(tmp_path, packs=True), np.linspace(-1, 1, 4800, dtype=np.float32).reshape(60, 80)
    kept.save(0, {"score|a": scores, "anomaly": np.ones((60, 80), dtype=np.uint8)})
    kept.save(0, {"score|b": scores + 1})
    loaded = kept.load(0, "score|a", "score|b", "anomaly")
    np.testing.assert_array_equal(loaded[0], scores)
    np.testing.assert_array_equal(loaded[1], scores + 1)
    assert loaded[2].shape == (60, 80)
    np.savez(kept.path(0), **{"score|a": np.zeros(3, dtype=np.uint8)})
    with pytest.raises(ResultError, match="damaged; delete this file"):
        kept.load(0, "score|a")
