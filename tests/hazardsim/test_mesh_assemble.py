"""From shapes to parts: normals, texture coordinates, keys."""

from dataclasses import replace

import numpy as np
import pytest

from hazardsim.mesh.assemble import creased_normals, digest, model, part, stand
from hazardsim.mesh.materials import paint
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import box, cylinder


def test_normals_are_smooth_on_a_cylinder_and_sharp_at_its_rim():
    shape = cylinder(1.0, 1.0, 48)
    normals = creased_normals(np.round(shape.points, 6), shape.faces)
    flat = np.abs(normals[..., 2]) > 0.999
    radial = np.abs(normals[..., 2]) < 0.001
    assert (flat | radial).all()
    points = shape.points[shape.faces]
    assert np.allclose(normals[radial][:, :2], points[radial][:, :2], atol=0.01)


def test_texture_coordinates_are_in_metres():
    made = part([box((2.0, 3.0, 4.0))], Material("m"))
    assert np.ptp(made.uv[:, 0]) == pytest.approx(3.0)
    assert np.ptp(made.uv[:, 1]) == pytest.approx(5.5, abs=1.5)


def test_a_model_is_set_on_the_origin_and_stretched_to_its_box():
    made = model("m", stand([part([box((1.0, 2.0, 3.0)).moved(7.0, -3.0, 5.0)], Material("m"))], (2.0, 2.0, 1.5)))
    low, high = made.bounds()
    np.testing.assert_allclose([low, high], [[-1.0, -1.0, 0.0], [1.0, 1.0, 1.5]], atol=1e-4)
    assert np.linalg.norm(made.parts[0].normals, axis=1) == pytest.approx(1.0, abs=1e-3)


def test_a_key_tells_geometry_materials_and_textures_apart(tmp_path):
    one = part([box((1.0, 1.0, 1.0))], paint((0.5, 0.1, 0.1)))
    picture = tmp_path / "a.png"
    picture.write_bytes(b"first")
    textured = replace(one, material=replace(one.material, texture=picture))
    moved = replace(one, vertices=one.vertices + np.float32(0.5))
    before = digest([textured])
    assert len({digest([p]) for p in (one, textured, moved, replace(one, material=paint((0.5, 0.1, 0.2))))}) == 4
    picture.write_bytes(b"other")
    assert digest([textured]) != before


def test_a_part_refuses_arrays_that_do_not_fit_and_freezes_them():
    points, faces, uv = np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.uint32), np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match="vertex 3 of 3"):
        Part(points, faces + np.uint32(1), uv, Material("m"))
    with pytest.raises(ValueError, match=r"expected \[V,3\]"):
        Part(points, faces, uv[:2], Material("m"))
    made = Part(points, faces, uv, Material("m"))
    with pytest.raises(ValueError, match="read-only"):
        made.vertices[0, 0] = 1.0
