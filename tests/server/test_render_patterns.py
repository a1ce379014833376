"""Procedural surfaces, materials and texels."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hazardsim.errors import RenderError
from hazardsim.mesh.model import Material, Surface
from hazardsim.server.render.noise import cells, fractal
from hazardsim.server.render.patterns import PATTERNS, pattern
from hazardsim.server.render.textures import MaterialLibrary, linear_from_srgb, pack_texels, read_texture

SURFACES = get_args(Surface)
VARIED = [s for s in SURFACES if s != "plain"]


def test_every_surface_has_a_pattern():
    assert set(PATTERNS) == set(SURFACES)


def seam_ratio(image):
    """Step across the seam over the usual step between neighbours; worst of the two axes."""
    ratios = []
    for axis in (0, 1):
        inner = np.abs(np.diff(image, axis=axis)).mean(axis=tuple(k for k in range(image.ndim) if k != axis))
        seam = np.abs(np.take(image, 0, axis=axis) - np.take(image, -1, axis=axis)).mean()
        ratios.append(seam / max(float(np.quantile(inner, 0.995)), 1e-9))
    return max(ratios)


@pytest.mark.parametrize("surface", VARIED)
def test_patterns_tile_without_a_seam_and_are_not_flat(surface):
    tile = pattern(surface)
    albedo = tile.albedo(linear_from_srgb(np.array([0.5, 0.4, 0.3])))
    assert seam_ratio(albedo) < 1.6
    assert seam_ratio(tile.height_m) < 1.6
    assert albedo.std() / albedo.mean() > 0.005
    assert tile.size & (tile.size - 1) == 0


def test_seam_check_finds_a_seam():
    ramp = np.linspace(0, 1, 64)[None, :] + np.zeros((64, 1))
    assert seam_ratio(ramp) > 10


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), low=st.integers(1, 4), count=st.integers(3, 12))
def test_noise_tiles_for_every_seed(seed, low, count):
    assert seam_ratio(fractal(np.random.default_rng(seed), 64, low, 16)) < 2.5
    distance, owner = cells(np.random.default_rng(seed), 64, count)
    assert seam_ratio(distance) < 2.5
    assert 0 <= owner.min() <= owner.max() < count * count


@pytest.mark.parametrize("surface", ["brick", "plaster", "grass"])
def test_colour_tints_the_surface(surface):
    red = pattern(surface).albedo(linear_from_srgb(np.array([0.8, 0.2, 0.2]))).mean(axis=(0, 1))
    blue = pattern(surface).albedo(linear_from_srgb(np.array([0.2, 0.2, 0.8]))).mean(axis=(0, 1))
    assert red[0] > 1.5 * red[2]
    assert blue[2] > 1.3 * blue[0]


def test_texel_count_is_the_whole_mip_chain():
    gain = np.ones((8, 8, 3), dtype=np.float32)
    assert pack_texels(gain, gain[..., 0], 1.0).size == 64 + 16 + 4 + 1


def test_texture_row_zero_of_the_file_is_at_v_one(tmp_path):
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[0] = 255
    cv2.imwrite(str(tmp_path / "t.png"), image)
    texels = read_texture(tmp_path / "t.png")
    assert texels[-1].min() == 1.0
    assert texels[0].max() == 0.0


def test_broken_textures_and_numbers_give_one_line(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    library = MaterialLibrary()
    for material, words in (
        (Material("m", texture=tmp_path / "bad.png"), "not an image"),
        (Material("m", texture=Path("/nowhere/t.png")), "cannot be read"),
        (Material("m", roughness=float("nan")), "not finite"),
        (Material("m", opacity=1.5), "out of range"),
    ):
        with pytest.raises(RenderError, match=words) as caught:
            library.index(material)
        assert "\n" not in str(caught.value)
    assert len(library) == 0


def test_equal_materials_share_a_row_and_one_surface_shares_texels():
    library = MaterialLibrary()
    first = library.index(Material("a", colour=(0.5, 0.2, 0.1), surface="brick"))
    assert library.index(Material("a", colour=(0.5, 0.2, 0.1), surface="brick")) == first
    images = len(library.tables().texels)
    assert library.index(Material("b", colour=(0.1, 0.2, 0.5), surface="brick")) == first + 1
    assert len(library.tables().texels) == images == 1


def test_a_new_paint_leaves_the_texels_where_they_are():
    library = MaterialLibrary()
    library.index(Material("a", surface="brick"))
    before = library.tables()
    library.index(Material("b", (0.1, 0.2, 0.5), surface="brick"))
    after = library.tables()
    assert all(one is other for one, other in zip(after.texels, before.texels, strict=True))
    assert all(one is other for one, other in zip(after.relief, before.relief, strict=True))
    assert len(after.numbers) == len(before.numbers) + 1
    library.index(Material("c", surface="rubber"))
    assert library.tables().texels[:1] == before.texels
    assert len(library.tables().texels) == 2
