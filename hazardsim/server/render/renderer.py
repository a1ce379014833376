"""The renderer of the embedded server: keeps a town loaded, draws cameras, casts rays."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.mesh.model import TaggedPart
from hazardsim.server.render import atmosphere, scalar_path_tracer, sky
from hazardsim.server.render.denoise import denoised
from hazardsim.server.render.device_materials import DeviceMaterials
from hazardsim.server.render.emissive_faces import EmissiveFaces, emissive_faces
from hazardsim.server.render.instances import Geometry, Instance, InstanceTree, LoadedModel, ModelBuffers
from hazardsim.server.render.labels import Labels
from hazardsim.server.render.lights import lights_of
from hazardsim.server.render.lights.light import Light, LightScene
from hazardsim.server.render.passes import PASSES
from hazardsim.server.render.path_tracer import RenderBuffers, render_vectorised
from hazardsim.server.render.path_vertex import Surfaces
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.raycast import cast_labels, cast_ray
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.town_rays import TownRays
from hazardsim.server.render.triangles import joined, triangles_of_part
from hazardsim.server.render.variant import Variant, activate, choose_variant
from hazardsim.server.render.wetness import DeviceWetness, Water, water_of
from hazardsim.server.renderables import Camera, Hit, PixelFormat, SceneObject, Town
from hazardsim.server.weather import Weather

_LOG = logging.getLogger(__name__)
_TURBIDITY = 3.0


@dataclass(slots=True)
class Times:
    """Seconds spent in the last `render`, by step."""

    build: float = 0.0
    render: float = 0.0
    denoise: float = 0.0
    labels: float = 0.0
    encode: float = 0.0

    def total(self) -> float:
        """Of all steps."""
        return self.build + self.render + self.denoise + self.labels + self.encode


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """What all cameras see: the actors, the weather, the town without the `hidden` objects; `geometry` holds it all."""

    geometry: Geometry
    objects: Sequence[SceneObject]
    hidden: frozenset[int]
    weather: Weather


@dataclass(slots=True)
class _Seen:
    """What passes ask for, worked out once for all cameras that share rays; implements `passes.Seen`."""

    renderer: MitsubaRenderer
    pinhole: PinholeCamera
    moment: _Moment
    known_labels: Labels | None = None
    known_radiance: NDArray[np.float32] | None = None

    @property
    def labels(self) -> Labels:
        if self.known_labels is None:
            began = time.perf_counter()
            self.known_labels = cast_labels(self.pinhole, self.moment.geometry)
            self.renderer.times.labels += time.perf_counter() - began
        return self.known_labels

    @property
    def radiance(self) -> NDArray[np.float32]:
        if self.known_radiance is None:
            self.known_radiance = self.renderer.radiance_of(self.pinhole, self.labels, self.moment)
        return self.known_radiance


class MitsubaRenderer:
    """Draws with Mitsuba 3; implements `renderables.Renderer`.

    Args:
        variant: `cuda_ad_rgb`, `llvm_ad_rgb` or `scalar_rgb`; None takes the best that works here.
        samples: paths a pixel.
        denoise: whether pictures are denoised.
        seed: another seed gives other noise and other rain; nothing else.

    Raises:
        RenderError: the variant does not run on this machine.
    """

    def __init__(self, variant: str | None = None, samples: int = 4, denoise: bool = True, seed: int = 0) -> None:
        if samples < 1:
            raise RenderError(f"samples is {samples}: a picture needs at least 1 path a pixel")
        self._variant: Variant = choose_variant(variant)
        _LOG.info("rendering with Mitsuba %s (LLVM %s)", self._variant.name, self._variant.llvm)
        self._samples, self._denoise, self._seed = samples, denoise, seed
        self._lock = threading.RLock()
        self._materials = MaterialLibrary()
        self._device_materials: tuple[int, DeviceMaterials] | None = None
        self._buffers = ModelBuffers(self._variant.vectorised)
        self._models: dict[str, LoadedModel] = {}
        self._town: Town | None = None
        self._town_model: LoadedModel | None = None
        self._town_instances: list[Instance] = []
        self._town_rays: TownRays | None = None
        self._town_tree: tuple[frozenset[int], InstanceTree] | None = None
        self._actor_tree: tuple[object, InstanceTree] | None = None
        self._geometry_now: tuple[tuple[InstanceTree, InstanceTree], Geometry] | None = None
        self._sky: tuple[tuple[object, ...], sky.Sky] | None = None
        self._lights: tuple[tuple[sky.Sky, Geometry], tuple[Light, ...]] | None = None
        self._device_wetness: tuple[Water, DeviceWetness] | None = None
        self._scalar: scalar_path_tracer.ScalarScenes | None = None
        self.times = Times()

    @property
    def variant(self) -> Variant:
        """The Mitsuba variant in use."""
        return self._variant

    @property
    def passes(self) -> Mapping[str, PixelFormat]:
        """What it can draw, by name."""
        return {name: row.format for name, row in PASSES.items()}

    @property
    def description(self) -> str:
        """Everything that decides the noise in a picture: libraries, variant, paths a pixel."""
        parts = [f"{name} {version(name)}" for name in ("mitsuba", "drjit", "mitsuba-oidn")]
        return ", ".join([*parts, self._variant.name, f"{self._samples} samples", f"seed {self._seed}"])

    def load(self, town: Town) -> None:
        """Make this the town of all that follows.

        Raises:
            RenderError: a mesh or material of the town cannot be used; names it.
        """
        with self._lock:
            activate(self._variant)
            self._buffers = ModelBuffers(self._variant.vectorised)
            self._models, self._town = {}, town
            self._town_tree = self._actor_tree = self._geometry_now = self._scalar = None
            self._town_model = self._buffers.add(
                joined(triangles_of_part(m.part, m.tag, self._materials, m.object_ids) for m in town.meshes)
            )
            models: dict[str, LoadedModel] = {}
            self._town_instances = []
            for thing in town.objects:
                if thing.model is None:
                    continue
                if thing.model not in town.models:
                    raise RenderError(f"town {town.name}: object {thing.name} names the unknown model {thing.model!r}")
                if thing.model not in models:
                    models[thing.model] = self._model(town.models[thing.model])
                self._town_instances.append(Instance(models[thing.model], thing.pose, thing.id))
            self._town_rays = TownRays(self._standing(frozenset()))

    def render(
        self,
        cameras: Sequence[Camera],
        objects: Sequence[SceneObject],
        weather: Weather,
        hidden: frozenset[int] = frozenset(),
    ) -> list[NDArray[Any]]:
        """One [H,W,values] picture a camera, in the format of its pass; town objects in `hidden` are left out.

        Raises:
            RenderError: a camera, part or material cannot be used; names it.
        """
        with self._lock:
            activate(self._variant)
            self.times = Times()
            moment = _Moment(self._geometry(objects, hidden), objects, hidden, weather)
            seen: dict[PinholeCamera, _Seen] = {}
            images = []
            for camera in cameras:
                pinhole = PinholeCamera.of(camera)
                images.append(self._image(camera, seen.setdefault(pinhole, _Seen(self, pinhole, moment))))
            return images

    def cast(
        self,
        origin: NDArray[np.float64],
        direction: NDArray[np.float64],
        reach_m: float,
        objects: Sequence[SceneObject],
        hidden: frozenset[int] = frozenset(),
    ) -> list[Hit]:
        """Every surface on a ray from `origin` [3] along `direction` [3], nearest first, up to `reach_m`."""
        ray = _unit_ray(origin, direction)
        with self._lock:
            activate(self._variant)
            return cast_ray(self._geometry(objects, hidden), *ray, reach_m)

    def cast_through_town(
        self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float
    ) -> list[Hit]:
        """What `cast` finds where there are no objects and nothing is hidden; in any thread, at any time."""
        ray, rays = _unit_ray(origin, direction), self._town_rays
        return [] if rays is None else rays.cast(*ray, reach_m)

    def _model(self, parts: Sequence[TaggedPart]) -> LoadedModel:
        return self._buffers.add(joined(triangles_of_part(p.part, p.tag, self._materials) for p in parts))

    def _geometry(self, objects: Sequence[SceneObject], hidden: frozenset[int]) -> Geometry:
        began = time.perf_counter()
        if self._town_tree is None or self._town_tree[0] != hidden:
            self._town_tree = (hidden, InstanceTree(self._standing(hidden)))
        identity = tuple((o.id, o.key, np.asarray(o.pose, dtype=np.float64).tobytes()) for o in objects)
        if self._actor_tree is None or self._actor_tree[0] != identity:
            for thing in objects:
                if thing.key not in self._models:
                    self._models[thing.key] = self._model(thing.parts)
            self._actor_tree = (identity, InstanceTree([Instance(self._models[o.key], o.pose, o.id) for o in objects]))
        trees = (self._town_tree[1], self._actor_tree[1])
        if self._geometry_now is None or self._geometry_now[0] != trees:
            self._geometry_now = (trees, Geometry(trees, self._buffers, self._variant.vectorised))
        self.times.build += time.perf_counter() - began
        return self._geometry_now[1]

    def _standing(self, hidden: frozenset[int]) -> list[Instance]:
        """The town without the hidden objects."""
        if self._town_model is None:
            return []
        land = self._town_model
        gone = np.isin(land.triangles.object_id, np.array(sorted(hidden), dtype=np.uint32))
        if gone.any():
            land = self._buffers.without(land, gone)
        things = [p for p in self._town_instances if p.object_id not in hidden]
        return [Instance(land, np.eye(4), 0), *things]

    def _image(self, camera: Camera, seen: _Seen) -> NDArray[Any]:
        if camera.render_pass not in PASSES:
            raise RenderError(f"no render pass {camera.render_pass!r}; there are {', '.join(PASSES)}")
        began, inside = time.perf_counter(), self.times.total()
        image = PASSES[camera.render_pass].draw(seen, camera.options)
        self.times.encode += time.perf_counter() - began - (self.times.total() - inside)
        return image

    def radiance_of(self, pinhole: PinholeCamera, labels: Labels, moment: _Moment) -> NDArray[np.float32]:
        """Light [H,W,3] of a view, denoised, with fog and rain."""
        began, weather = time.perf_counter(), moment.weather
        fog = atmosphere.fog_of(weather)
        above = self._sky_of(weather, fog)
        drawn = self._draw(pinhole, moment, above)
        self.times.render += time.perf_counter() - began
        began = time.perf_counter()
        radiance = denoised(drawn.radiance, drawn.albedo, drawn.normal) if self._denoise else drawn.radiance
        self.times.denoise += time.perf_counter() - began
        began = time.perf_counter()
        radiance = atmosphere.foggy(radiance, drawn.cover, pinhole, labels, above, fog)
        radiance = atmosphere.rainy(radiance, pinhole, labels, above, weather, self._seed)
        self.times.encode += time.perf_counter() - began
        return radiance

    def _draw(self, pinhole: PinholeCamera, moment: _Moment, above: sky.Sky) -> RenderBuffers:
        water, geometry = water_of(moment.weather), moment.geometry
        if not self._variant.vectorised:
            if self._scalar is None or self._scalar.water != water:
                self._scalar = scalar_path_tracer.ScalarScenes(self._materials, water)
            scene = self._light_scene(moment, above)
            return scalar_path_tracer.render_scalar(pinhole, geometry, self._scalar, scene, self._samples, self._seed)
        if self._device_materials is None or self._device_materials[0] != len(self._materials):
            earlier = None if self._device_materials is None else self._device_materials[1]
            self._device_materials = (len(self._materials), DeviceMaterials(self._materials.tables(), earlier))
        if self._lights is None or self._lights[0] != (above, geometry):
            self._lights = ((above, geometry), lights_of(self._light_scene(moment, above)))
        if self._device_wetness is None or self._device_wetness[0] != water:
            self._device_wetness = (water, DeviceWetness(water))
        faces = geometry.faces if geometry.trees else None
        stuff = self._device_materials[1], self._device_wetness[1]
        surfaces = None if faces is None else Surfaces(geometry, faces, *stuff)
        return render_vectorised(pinhole, surfaces, self._lights[1], self._samples, self._seed)

    def _light_scene(self, moment: _Moment, above: sky.Sky) -> LightScene:
        def find_emissive() -> EmissiveFaces:
            return emissive_faces(moment.geometry, self._materials.tables())

        return LightScene(above, self._town, moment.objects, moment.hidden, find_emissive)

    def _sky_of(self, weather: Weather, fog: atmosphere.Fog) -> sky.Sky:
        veil = fog.veil(float(sky.sun_direction(weather)[2]))
        key = (weather.cloudiness, weather.precipitation, weather.sun_altitude_angle, weather.sun_azimuth_angle, veil)
        if self._sky is None or self._sky[0] != key:
            clear = sky.clear_sky(weather.sun_altitude_angle, weather.sun_azimuth_angle, _TURBIDITY)
            self._sky = (key, sky.make_sky(weather, clear, veil))
        return self._sky[1]


def _unit_ray(
    origin: NDArray[np.float64], direction: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64 [3], the direction of length 1.

    Raises:
        RenderError: it has no length, or a number is not finite.
    """
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or length <= 0 or not np.all(np.isfinite(origin)):
        raise RenderError("cast: the direction has no length, or a number is not finite; give a finite ray")
    return np.asarray(origin, dtype=np.float64), np.asarray(direction, dtype=np.float64) / length
