"""Buildings: walls, windows, roofs and courtyards."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material
from hazardsim.mesh.solid import Floats
from hazardsim.server.town import palette
from hazardsim.server.town.buildings.building import add_building
from hazardsim.server.town.buildings.facade import WallQuads, WallRole, fill_wall
from hazardsim.server.town.buildings.style import BuildingStyle, building_style
from hazardsim.server.town.maps.features import Feature
from hazardsim.taxonomy import TAG

ROAD = shapely.box(-100.0, -20.0, 100.0, -10.0)
GLASS = (palette.WINDOW, palette.CURTAIN, palette.BLIND, palette.SHOP_WINDOW)
FLAT = {"building": "apartments", "building:levels": "4", "roof:shape": "flat"}


def style_for(tags: dict[str, str], seed: int = 1) -> BuildingStyle:
    return building_style(Feature(tags, np.zeros((4, 2)), closed=True), 200.0, np.random.default_rng(seed))


def built(
    footprint: shapely.Polygon, tags: dict[str, str], neighbours: shapely.Polygon | None = None
) -> tuple[Builder, BuildingStyle]:
    builder, style = Builder(), style_for(tags)
    rng = np.random.default_rng(2)
    add_building(builder, footprint, style, 7, 0.0, ROAD, neighbours or shapely.Polygon(), rng)
    return builder, style


def heights_over(builder: Builder, spots: Floats) -> list[list[float]]:
    """Heights of all triangles over or under each point [N,2], highest first."""
    triangles = np.concatenate([m.part.vertices[m.part.faces] for m in builder.meshes()]).astype(np.float64)
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    double = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    level = np.abs(double) > 1e-9
    a, b, c, double = a[level], b[level], c[level], double[level]
    found = []
    for x, y in spots:
        v = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (y - a[:, 1]) * (c[:, 0] - a[:, 0])) / double
        w = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (b[:, 1] - a[:, 1]) * (x - a[:, 0])) / double
        hit = (v >= 0) & (w >= 0) & (v + w <= 1)
        height = a[:, 2] + v * (b[:, 2] - a[:, 2]) + w * (c[:, 2] - a[:, 2])
        found.append(sorted(height[hit].tolist(), reverse=True))
    return found


@pytest.mark.parametrize("roof", ["flat", "gabled", "hipped"])
@pytest.mark.parametrize("shop", [False, True])
def test_courtyard_is_open_and_the_rest_is_roofed(roof: str, shop: bool) -> None:
    block = shapely.box(0, 0, 30, 24).difference(shapely.box(9, 7, 21, 17))
    tags = FLAT | {"roof:shape": roof, "building": "retail" if shop else "apartments"}
    builder, style = built(block, tags)
    x, y = np.meshgrid(np.arange(10.0, 20.1, 1.0), np.arange(8.0, 16.1, 1.0))
    assert heights_over(builder, np.column_stack([x.ravel(), y.ravel()])) == [[]] * x.size
    over_roof = heights_over(builder, np.array([[4.0, 4.0], [15.0, 3.0], [26.0, 12.0], [15.0, 20.0]]))
    assert all(found and found[0] >= style.eaves_m for found in over_roof)


def test_walls_of_a_courtyard_face_into_it() -> None:
    block = shapely.box(0, 0, 30, 24).difference(shapely.box(9, 7, 21, 17))
    builder, style = built(block, FLAT)
    found = 0
    for mesh in builder.meshes():
        if mesh.part.material not in (style.wall, style.base):
            continue
        a, b, c = (mesh.part.vertices[mesh.part.faces[:, k]].astype(np.float64) for k in range(3))
        middle, normal = (a + b + c) / 3, np.cross(b - a, c - a)
        inside = (np.abs(middle[:, 0] - 15.0) < 6.05) & (np.abs(middle[:, 1] - 12.0) < 5.05) & (middle[:, 2] < 5.0)
        found += int(inside.sum())
        towards = np.array([15.0, 12.0]) - middle[inside, :2]
        assert ((towards * normal[inside, :2]).sum(axis=1) > 0.0).all()
    assert found >= 8


def wall(role: WallRole, length: float = 12.0, tags: dict[str, str] = FLAT) -> dict[Material, Floats]:
    """Vertices by material of one wall along x that looks to -y."""
    sheet = WallQuads(np.zeros(2), np.array([1.0, 0.0]), 0.0)
    fill_wall(sheet, length, style_for(tags), role, np.random.default_rng(3))
    return {material: solid.vertices for solid, material in sheet.solids()}


def test_windows_are_in_outer_walls_only() -> None:
    assert not set(wall(WallRole(is_party=True))) & set(GLASS)
    for role in (WallRole(), WallRole(is_front=True), WallRole(is_back=True)):
        assert set(wall(role)) & set(GLASS)


def test_shared_wall_of_a_terrace_is_blank() -> None:
    left, right = shapely.box(0, 0, 12, 10), shapely.box(12, 0, 24, 10)
    builder, _ = built(left, FLAT, right)
    panes = np.concatenate([m.part.vertices for m in builder.meshes() if m.part.material in GLASS])
    assert len(panes) > 100
    assert panes[:, 0].max() < 11.8


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("use", ["house", "retail", "apartments"])
def test_wall_has_no_gap_and_panes_lie_behind_it(use: str, front: bool) -> None:
    tags = FLAT | {"building": use}
    style = style_for(tags)
    sheets = wall(WallRole(is_front=front), tags=tags)
    for material, points in sheets.items():
        assert points[:, 0].min() > -0.05, material.name
        assert points[:, 0].max() < 12.05, material.name
        assert points[:, 2].max() < style.eaves_m + 0.01, material.name
        if material in GLASS:
            assert (points[:, 1] > 0.0).all(), "a pane stands out of the wall"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("use", ["house", "garage", "industrial", "retail", "yes", "nonsense"])
def test_any_style_is_sane(use: str, seed: int) -> None:
    style = style_for({"building": use, "building:levels": "-3", "building:colour": "#12345z"}, seed)
    assert style.storeys == 1
    assert 2.0 < style.eaves_m < 5.0
    assert style.roof in ("flat", "gabled", "hipped")
    assert style_for({"building": use, "height": "9000"}, seed).storeys <= 60


def test_tags_decide_over_chance() -> None:
    tags = {"building": "house", "building:levels": "3", "building:material": "brick", "roof:shape": "pyramidal"}
    for seed in range(5):
        style = style_for(tags, seed)
        assert (style.storeys, style.roof, style.wall.surface) == (3, "hipped", "brick")
    assert palette.colour_from_text("#ff8000") == pytest.approx((1.0, 128 / 255, 0.0))
    assert palette.colour_from_text("Grey") == palette.colour_from_text("gray")
    assert palette.colour_from_text("#ff80") is None
    assert palette.colour_from_text("mauve-ish") is None


@pytest.mark.parametrize("roof", ["gabled", "hipped"])
@pytest.mark.parametrize("turn_deg", [0.0, 33.0, 90.0])
def test_pitched_roof_covers_the_house_and_rises_to_its_middle(roof: str, turn_deg: float) -> None:
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    turn = np.array([[c, -s], [s, c]])
    house = shapely.Polygon(np.array([[-6.0, -4.0], [6.0, -4.0], [6.0, 4.0], [-6.0, 4.0]]) @ turn.T)
    builder, style = built(house, {"building": "house", "building:levels": "2", "roof:shape": roof})
    spots = np.array([[0.3, 0.2], [2.0, 3.9], [-2.0, -3.9], [4.9, 0.3]]) @ turn.T
    tops = [found[0] for found in heights_over(builder, spots)]
    assert tops[0] > style.eaves_m + 1.0
    assert tops[0] > max(tops[1:3]) + 0.5
    assert min(tops) >= style.eaves_m - 0.1


def test_everything_of_a_building_is_one_object_of_its_tag() -> None:
    builder, _ = built(shapely.box(0, 0, 14, 11), FLAT)
    for mesh in builder.meshes():
        assert mesh.tag == TAG["Buildings"]
        assert set(mesh.object_ids.tolist()) == {7}
        assert np.isfinite(mesh.part.vertices).all()
