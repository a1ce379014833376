"""Trim on a body lies on it, faces outwards and stays within its patch."""

import numpy as np
import pytest

from hazardsim.mesh.drape import FRONT, LEFT, REAR, draped
from hazardsim.mesh.shape import box, ellipsoid

QUAD = [(-0.3, 0.7), (0.3, 0.7), (0.3, 1.1), (-0.3, 1.1)]


@pytest.mark.parametrize(("side", "axis"), [(FRONT, 0), (REAR, 0), (LEFT, 1)])
def test_trim_on_a_box_is_flat_on_its_face(side, axis):
    patch = draped(box((4.0, 2.0, 2.0)), QUAD, side, lift=0.01)
    half = (2.0, 1.0)[axis]
    assert patch.points[:, axis] == pytest.approx(sum(side) * (half + 0.01))
    a, b, c = (patch.points[patch.faces[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a) @ np.array(side) > 0).all()
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(0.6 * 0.4)


def test_trim_follows_a_curved_body():
    body = ellipsoid((4.0, 2.0, 2.0), 60, 90).moved(z=1.0)
    patch = draped(body, QUAD, FRONT, lift=0.0, cells=(8, 8))
    x, y, z = patch.points.T
    assert (x / 2) ** 2 + y**2 + (z - 1.0) ** 2 == pytest.approx(1.0, abs=0.01)


def test_trim_beside_the_body_is_refused():
    with pytest.raises(ValueError, match="beside the body"):
        draped(box((1.0, 1.0, 1.0)), np.array(QUAD) + 9.0, FRONT)
