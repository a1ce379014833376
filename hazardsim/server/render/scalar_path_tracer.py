"""The picture without arrays: Mitsuba's own path tracer and materials, for machines without a usable LLVM.

Slower and plainer than `path_tracer`: no relief, no puddles, and what gives off light does so on its front side only.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Material
from hazardsim.server.render.arrays import Native
from hazardsim.server.render.emissive_faces import EmissiveFaces
from hazardsim.server.render.instances import Geometry, LoadedModel
from hazardsim.server.render.lights import emitters_of
from hazardsim.server.render.lights.light import LightScene
from hazardsim.server.render.path_tracer import DEPTH, RenderBuffers
from hazardsim.server.render.patterns import pattern
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.sky import SUNLIT_WHITE
from hazardsim.server.render.textures import NUMBERS, POROUS, SPECULAR, MaterialLibrary, linear_from_srgb, read_texture
from hazardsim.server.render.triangles import Triangles
from hazardsim.server.render.variant import native
from hazardsim.server.render.wetness import Water

_LARGEST: Final = 512
_SPIKE: Final = 3.0 * SUNLIT_WHITE


def _bsdf(material: Material, row: NDArray[np.float32], water: Water) -> dict[str, Any]:
    _, mi = native()

    if material.texture is None:
        tile = pattern(material.surface)
        albedo = tile.albedo(linear_from_srgb(np.array(material.colour)))
        scale = 1 / tile.period_m
    else:
        albedo, scale = read_texture(material.texture), 1.0
    if max(albedo.shape[:2]) > _LARGEST:
        albedo = cv2.resize(albedo, (_LARGEST, _LARGEST), interpolation=cv2.INTER_AREA).astype(np.float32)
    damp = water.film * float(row[POROUS])
    texture = {
        "type": "bitmap",
        "bitmap": mi.Bitmap(np.ascontiguousarray(albedo * (1 - 0.5 * damp), dtype=np.float32)),
        "raw": True,
        "to_uv": mi.ScalarTransform4f().scale([scale, scale, 1]),
    }
    shine = {
        "type": "principled",
        "base_color": texture,
        "roughness": float(np.clip(material.roughness * (1 - 0.45 * damp), 0.1, 1)),
        "metallic": float(material.metallic),
        "specular": float(np.clip(row[SPECULAR] / 0.08, 0.1, 1)),
    }
    surface: dict[str, Any] = {"type": "twosided", "inner": shine}
    return {"type": "mask", "opacity": material.opacity, "inner": surface} if material.opacity < 1 else surface


def _mesh(triangles: Triangles, faces: NDArray[np.int64], bsdf: Native) -> Native:
    _, mi = native()

    properties = mi.Properties()
    properties["bsdf"] = bsdf
    count = len(faces)
    mesh = mi.Mesh("part", 3 * count, count, has_vertex_normals=True, has_vertex_texcoords=True, props=properties)
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = triangles.corners[faces].reshape(-1)
    parameters["vertex_normals"] = triangles.normals[faces].reshape(-1)
    parameters["vertex_texcoords"] = triangles.uv[faces].reshape(-1)
    parameters["faces"] = np.arange(3 * count, dtype=np.uint32)
    parameters.update()
    return mesh


class ScalarScenes:
    """Mitsuba models with materials, kept while the materials stay as wet as they are."""

    def __init__(self, library: MaterialLibrary, water: Water) -> None:
        self.water = water
        self._library = library
        self._bsdfs: dict[int, Any] = {}
        self._groups: dict[int, tuple[LoadedModel, Any]] = {}

    def _material(self, index: int) -> Native:
        _, mi = native()

        if index not in self._bsdfs:
            row = self._library.tables().numbers.reshape(-1, NUMBERS)[index]
            self._bsdfs[index] = mi.load_dict(_bsdf(self._library.materials()[index], row, self.water))
        return self._bsdfs[index]

    def group(self, model: LoadedModel) -> Native:
        """The shape group of a model, one mesh a material."""
        _, mi = native()

        if id(model) not in self._groups:
            entries: dict[str, Any] = {"type": "shapegroup"}
            for index in np.unique(model.triangles.material).tolist():
                faces = np.flatnonzero(model.triangles.material == index)
                entries[f"material{index}"] = _mesh(model.triangles, faces, self._material(index))
            self._groups[id(model)] = (model, mi.load_dict(entries, optimize=False))
        return self._groups[id(model)][1]


def _glowing(emissive: EmissiveFaces) -> dict[str, Native]:
    """Faces that give light, a millimetre before the ones that are drawn: Mitsuba's instances give none."""
    _, mi = native()

    edges = emissive.corners[:, 1:] - emissive.corners[:, :1]
    normals = np.cross(edges[:, 0], edges[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-20)
    corners = emissive.corners + 1e-3 * normals[:, None]
    meshes = {}
    colours, kinds = np.unique(emissive.radiance, axis=0, return_inverse=True)
    for number, colour in enumerate(colours.tolist()):
        faces = corners[kinds.reshape(-1) == number]
        properties = mi.Properties()
        properties["bsdf"] = mi.load_dict({"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.5}})
        properties["emitter"] = mi.load_dict({"type": "area", "radiance": {"type": "rgb", "value": colour}})
        mesh = mi.Mesh("glow", 3 * len(faces), len(faces), props=properties)
        parameters = mi.traverse(mesh)
        parameters["vertex_positions"] = np.ascontiguousarray(faces.reshape(-1))
        parameters["faces"] = np.arange(3 * len(faces), dtype=np.uint32)
        parameters.update()
        meshes[f"glow{number}"] = mesh
    return meshes


def render_scalar(
    pinhole: PinholeCamera, geometry: Geometry, scenes: ScalarScenes, lights: LightScene, samples: int, seed: int
) -> RenderBuffers:
    """Trace `samples` paths a pixel with Mitsuba's `path` integrator; equal arguments give equal arrays."""
    _, mi = native()

    entries: dict[str, Any] = {
        "type": "scene",
        **emitters_of(lights),
        **_glowing(lights.emissive),
        "integrator": {
            "type": "aov",
            "aovs": "albedo:albedo,normal:sh_normal",
            "inner": {"type": "path", "max_depth": DEPTH + 1},
        },
        "sensor": _sensor(pinhole),
    }
    for number, instance in enumerate(p for tree in geometry.trees for p in tree.instances):
        group = scenes.group(instance.model)
        entries[f"group{id(instance.model)}"] = group
        entries[f"instance{number}"] = {
            "type": "instance",
            "group": group,
            "to_world": mi.ScalarTransform4f(instance.pose.tolist()),
        }
    scene = mi.load_dict(entries, optimize=False)
    image = np.array(mi.render(scene, spp=samples, seed=mi.UInt32(seed)), dtype=np.float32)
    radiance, cover, albedo, normal = image[..., :3], image[..., 3], image[..., 4:7], image[..., 7:10]
    brightest = radiance.max(axis=-1, keepdims=True)
    sky_only = (cover < 1)[..., None]
    radiance = np.where((brightest > _SPIKE) & ~sky_only, radiance * _SPIKE / np.maximum(brightest, 1e-6), radiance)
    albedo = np.where(sky_only, 1.0, np.clip(albedo, 0, 1)).astype(np.float32)
    return RenderBuffers(radiance.astype(np.float32), albedo, normal, cover)


def _sensor(pinhole: PinholeCamera) -> dict[str, Any]:
    _, mi = native()

    matrix = pinhole.matrix
    frame = np.eye(4)
    # Mitsuba looks along +z with +x to the left and +y up.
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = matrix[:3, 1], matrix[:3, 2], matrix[:3, 0], matrix[:3, 3]
    return {
        "type": "perspective",
        "fov": pinhole.fov_deg,
        "fov_axis": "x",
        "near_clip": 0.01,
        "far_clip": 1e5,
        "to_world": mi.ScalarTransform4f(frame.tolist()),
        "film": {
            "type": "hdrfilm",
            "width": pinhole.width,
            "height": pinhole.height,
            "pixel_format": "rgba",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent"},
    }
