"""How a surface throws light: Lambert below, GGX above, in drjit arrays."""

from __future__ import annotations

from dataclasses import dataclass

from hazardsim.server.render.arrays import Bool, Color3f, Float, Vector3f
from hazardsim.server.render.variant import native


@dataclass(slots=True)
class ShadingPoint:
    """What is known of each hit: axes, colours and gloss; `facing` and `normal` look towards the viewer."""

    facing: Vector3f
    normal: Vector3f
    diffuse: Color3f
    specular: Color3f
    alpha: Float
    translucent: Float


def fresnel(specular: Color3f, cosine: Float) -> Color3f:
    """Reflectance of RGB `specular` at normal incidence. Source: Schlick 1994."""
    dr, _ = native()

    return specular + (1 - specular) * (1 - dr.clip(cosine, 0, 1)) ** 5


def _smith(alpha: Float, cosine: Float) -> Float:
    """Lambda of GGX. Source: Heitz 2014, eq. 72."""
    dr, _ = native()

    square = dr.maximum(cosine * cosine, 1e-6)
    return 0.5 * (dr.sqrt(1 + alpha * alpha * (1 - square) / square) - 1)


def evaluate(point: ShadingPoint, view: Vector3f, light: Vector3f) -> Color3f:
    """RGB value of BRDF times cosine for unit directions `view` and `light`."""
    dr, mi = native()

    to_light, to_view = dr.dot(point.normal, light), dr.maximum(dr.dot(point.normal, view), 1e-3)
    half = dr.normalize(view + light)
    reflect = fresnel(point.specular, dr.dot(view, half))
    square = point.alpha * point.alpha
    spread = dr.dot(point.normal, half) ** 2 * (square - 1) + 1
    # Source: Walter et al. 2007, GGX; height-correlated masking of Heitz 2014.
    density = square / (dr.pi * spread * spread)
    masking = 1 / (1 + _smith(point.alpha, to_light) + _smith(point.alpha, to_view))
    above = dr.dot(point.facing, light) > 0
    gloss = reflect * (density * masking / (4 * to_view))
    front = (1 - point.translucent) * point.diffuse * (1 - reflect) * (dr.maximum(to_light, 0) / dr.pi)
    back = point.translucent * point.diffuse * (dr.maximum(-to_light, 0) / dr.pi)
    return dr.select(above & (to_light > 0), gloss + front, dr.select(above, mi.Color3f(0), back))


def _half_vector(point: ShadingPoint, view: Vector3f, first: Float, second: Float) -> Vector3f:
    """A microfacet normal seen from `view`. Source: Heitz 2018, sampling the GGX distribution of visible normals."""
    dr, mi = native()

    frame = mi.Frame3f(point.normal)
    local = frame.to_local(view)
    local.z = dr.maximum(local.z, 1e-3)
    stretched = dr.normalize(mi.Vector3f(point.alpha * local.x, point.alpha * local.y, local.z))
    length = stretched.x * stretched.x + stretched.y * stretched.y
    flat = length > 1e-12
    inverse = dr.select(flat, dr.rsqrt(dr.maximum(length, 1e-12)), 0)
    side = dr.select(flat, mi.Vector3f(-stretched.y, stretched.x, 0) * inverse, mi.Vector3f(1, 0, 0))
    other = dr.cross(stretched, side)
    radius = dr.sqrt(first)
    sine, cosine = dr.sincos(2 * dr.pi * second)
    a, b = radius * cosine, radius * sine
    share = 0.5 * (1 + stretched.z)
    b = (1 - share) * dr.sqrt(dr.maximum(1 - a * a, 0)) + share * b
    up = dr.sqrt(dr.maximum(1 - a * a - b * b, 0))
    normal = a * side + b * other + up * stretched
    normal = dr.normalize(mi.Vector3f(point.alpha * normal.x, point.alpha * normal.y, dr.maximum(normal.z, 1e-6)))
    return frame.to_world(normal)


def _gloss_chance(point: ShadingPoint, seen: Color3f) -> Float:
    """How often `sample` takes the gloss, of reflectance `seen`, and not the base."""
    dr, mi = native()

    gloss_part = mi.luminance(seen)
    base_part = (1 - gloss_part) * mi.luminance(point.diffuse)
    chance = dr.clip(gloss_part / dr.maximum(gloss_part + base_part, 1e-6), 0.05, 1.0)
    return dr.select(base_part <= 0, 1.0, dr.minimum(chance, 0.95))


def sample(
    point: ShadingPoint, view: Vector3f, pick: Float, first: Float, second: Float
) -> tuple[Vector3f, Color3f, Bool]:
    """A direction to go on, its RGB weight, and whether it is a gloss reflection; weight 0 where the path ends."""
    dr, mi = native()

    seen = fresnel(point.specular, dr.dot(point.normal, view))
    chance = _gloss_chance(point, seen)
    glossy = pick < chance
    half = _half_vector(point, view, first, second)
    mirrored = 2 * dr.dot(view, half) * half - view
    to_light, to_view = dr.dot(point.normal, mirrored), dr.maximum(dr.dot(point.normal, view), 1e-3)
    hidden = _smith(point.alpha, to_view)
    gloss = fresnel(point.specular, dr.dot(view, half)) * ((1 + hidden) / (1 + hidden + _smith(point.alpha, to_light)))
    gloss_ok = (to_light > 0) & (dr.dot(point.facing, mirrored) > 0)
    # The share of `pick` that is left decides between the two sides of a leaf.
    rest = (pick - chance) / dr.maximum(1 - chance, 1e-6)
    through = rest < point.translucent
    hemisphere = mi.Frame3f(point.normal).to_world(mi.warp.square_to_cosine_hemisphere(mi.Point2f(first, second)))
    hemisphere = dr.select(through, -hemisphere, hemisphere)
    base = point.diffuse * dr.select(through, mi.Color3f(1), 1 - seen)
    base_ok = through | (dr.dot(point.facing, hemisphere) > 0)
    direction = dr.select(glossy, mirrored, hemisphere)
    weight = dr.select(
        glossy,
        dr.select(gloss_ok, gloss / chance, mi.Color3f(0)),
        dr.select(base_ok, base / dr.maximum(1 - chance, 1e-6), mi.Color3f(0)),
    )
    return direction, weight, glossy


def chance_of(point: ShadingPoint, view: Vector3f, light: Vector3f) -> Float:
    """Chance per steradian with which `sample` goes on from `view` in the direction `light`.

    Source: Heitz 2018, eq. 17, for the gloss; a cosine over pi for the base.
    """
    dr, _ = native()

    to_light, to_view = dr.dot(point.normal, light), dr.maximum(dr.dot(point.normal, view), 1e-3)
    half = dr.normalize(view + light)
    square = point.alpha * point.alpha
    spread = dr.dot(point.normal, half) ** 2 * (square - 1) + 1
    density = square / (dr.pi * spread * spread)
    above = (to_light > 0) & (dr.dot(point.facing, light) > 0)
    gloss = dr.select(above, density / (1 + _smith(point.alpha, to_view)) / (4 * to_view), 0)
    front = (1 - point.translucent) * dr.select(above, to_light, 0)
    back = point.translucent * dr.maximum(-to_light, 0)
    chance = _gloss_chance(point, fresnel(point.specular, dr.dot(point.normal, view)))
    return chance * gloss + (1 - chance) * (front + back) / dr.pi
