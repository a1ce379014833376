"""Device arrays that grow in place."""

import numpy as np
import pytest

from hazardsim.server.render.device_buffer import DeviceBuffer
from hazardsim.server.render.variant import activate, choose_variant, native


@pytest.fixture(scope="module")
def drjit():
    variant = choose_variant()
    if not variant.vectorised:
        pytest.skip("this machine renders without arrays")
    activate(variant)
    return native()[0]


@pytest.mark.parametrize("kind", [np.float32, np.uint32])
def test_what_was_appended_stays_in_order_and_moves_only_when_there_is_no_room(drjit, kind):
    rng = np.random.default_rng(1)
    parts = [rng.integers(0, 2**31, n).astype(kind) for n in (3, 70_000, 0, 5, 20_000, 60_000)]
    buffer, sizes = DeviceBuffer(), []
    for part in parts:
        buffer.append(part)
        sizes.append(len(buffer.array))
    together = np.concatenate(parts)
    assert np.array_equal(np.array(buffer.array)[: len(together)], together)
    assert np.array(buffer.array).dtype == kind
    assert len(set(sizes[1:5])) == 1
    assert len(set(sizes)) == 3
    assert all(size % 12 == 0 for size in sizes)
