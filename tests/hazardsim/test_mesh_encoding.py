"""Parts that are kept as bytes come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from hazardsim.mesh.encoding import decoded_parts, encoded_parts
from hazardsim.mesh.model import Material, Part
from hazardsim.street import blueprints

GLOWING = Material("lamp", (1.0, 0.5, 0.25), "glass", roughness=0.1, opacity=0.5, emission=(1.0, 2.0, 3.0))


def triangle(material, normals=True):
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.1]], dtype=np.float32)
    faces = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint32)
    return Part(points, faces, points[:, :2].copy(), material, points[::-1].copy() if normals else None)


def test_parts_come_back_to_the_bit():
    before = (triangle(GLOWING), triangle(Material("plain"), normals=False))
    after = decoded_parts(encoded_parts(before))
    assert [p.material for p in after] == [p.material for p in before]
    assert after[1].normals is None
    for old, new in zip(before, after, strict=True):
        for name in ("vertices", "faces", "uv"):
            assert getattr(new, name).dtype == getattr(old, name).dtype
            np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    np.testing.assert_array_equal(after[0].normals, before[0].normals)


def test_no_parts_are_no_parts():
    assert decoded_parts(encoded_parts(())) == ()


def test_a_texture_is_not_lost_in_silence():
    with pytest.raises(ValueError, match="wall: only untextured"):
        encoded_parts([triangle(Material("wall", texture=Path("wall.png")))])


def test_a_model_is_the_same_whether_it_was_made_or_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("HAZARDSIM_CACHE", str(tmp_path))
    blueprints._parts.cache_clear()
    made = [f("vehicle.gazelle.omafiets") for f in (_bicycle, _bicycle)]
    blueprints._parts.cache_clear()
    monkeypatch.setattr(blueprints, "cycle_parts", None)
    kept = _bicycle("vehicle.gazelle.omafiets")
    assert [m.key for m in made] == [kept.key] * 2


def _bicycle(name):
    blueprints._vehicle_model.cache_clear()
    return blueprints.vehicle_model(name, (0.2, 0.3, 0.4))
