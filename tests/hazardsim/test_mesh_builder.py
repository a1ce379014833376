"""Solids are gathered by material, tag and shading; every face keeps its owner."""

import numpy as np

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material
from hazardsim.mesh.solid import Solid, pole, solid_box

STONE, WOOD = Material("stone"), Material("wood")


def filled() -> Builder:
    builder = Builder()
    builder.add(solid_box((0, 0, 0), (1, 1, 1)), STONE, tag=3, object_id=7)
    builder.add(solid_box((5, 0, 0), (6, 1, 1)), STONE, tag=3, object_id=8)
    builder.add(solid_box((0, 5, 0), (1, 6, 1)), STONE, tag=5)
    builder.add(pole(2.0, 0.1, 0.1), STONE, tag=3, object_id=8)
    builder.add(solid_box((0, 0, 5), (1, 1, 6)), WOOD, tag=3, object_id=8)
    return builder


def test_one_mesh_a_material_tag_and_shading():
    meshes = filled().meshes()
    assert [(m.part.material.name, m.tag, m.part.normals is None) for m in meshes] == [
        ("stone", 3, True),
        ("stone", 5, True),
        ("stone", 3, False),
        ("wood", 3, True),
    ]
    assert [(p.part.material.name, p.tag) for p in filled().parts()] == [(m.part.material.name, m.tag) for m in meshes]


def test_every_face_keeps_its_owner():
    first = filled().meshes()[0]
    owners = {
        int(owner): first.part.vertices[first.part.faces[first.object_ids == owner]].reshape(-1, 3)
        for owner in np.unique(first.object_ids)
    }
    assert set(owners) == {7, 8}
    assert owners[7][:, 0].max() == 1.0
    assert owners[8][:, 0].min() == 5.0


def test_the_points_of_an_object_are_those_of_all_its_materials():
    builder = Builder()
    builder.add(solid_box((5, 0, 0), (6, 1, 1)), STONE, tag=3, object_id=8)
    builder.add(solid_box((0, 0, 5), (1, 1, 6)), WOOD, tag=3, object_id=8)
    points = builder.points_of(8)
    np.testing.assert_array_equal([points.min(axis=0), points.max(axis=0)], [[0, 0, 0], [6, 1, 6]])


def test_nothing_is_added_for_no_faces():
    builder = Builder()
    builder.add(Solid(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), np.zeros((0, 2))), STONE, tag=3)
    assert builder.meshes() == ()
