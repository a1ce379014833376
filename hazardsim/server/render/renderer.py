"""The renderer of the embedded server: keeps a town loaded, draws cameras, casts rays."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.server.render import air, scalar, sky, tone
from hazardsim.server.render.denoise import denoised
from hazardsim.server.render.geometry import Soup, joined, soup_of_part
from hazardsim.server.render.ground import DeviceGround, Water, water_of
from hazardsim.server.render.labels import Labels, depth_image, instance_image, semantic_image
from hazardsim.server.render.pathtrace import DeviceSky, Picture, render_wide
from hazardsim.server.render.stage import FaceBuffers, Stage, load_scene
from hazardsim.server.render.tables import DeviceMaterials
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.trace import trace_labels, trace_ray
from hazardsim.server.render.variant import Variant, activate, choose_variant
from hazardsim.server.render.view import View
from hazardsim.server.scene import Camera, Hit, SceneObject, Town
from hazardsim.server.weather import Weather

_LOG = logging.getLogger(__name__)
_KEPT_MODELS = 512
_TURBIDITY = 3.0


@dataclass(slots=True)
class Times:
    """Seconds spent in the last `render`, by step."""

    build: float = 0.0
    render: float = 0.0
    denoise: float = 0.0
    labels: float = 0.0
    encode: float = 0.0


@dataclass(slots=True)
class _Loaded:
    """Faces of the town, or of what moves, with their tree and buffers."""

    soup: Soup
    scene: object | None
    faces: FaceBuffers | None


@dataclass(slots=True)
class _Frame:
    """What is computed once for all cameras of a view."""

    labels: Labels | None = None
    radiance: NDArray[np.float32] | None = field(default=None, repr=False)


class MitsubaRenderer:
    """Draws with Mitsuba 3; implements `scene.Renderer`.

    Args:
        variant: `cuda_ad_rgb`, `llvm_ad_rgb` or `scalar_rgb`; None takes the best that works here.
        samples: paths a pixel.
        denoise: whether pictures are denoised.
        seed: another seed gives other noise and other rain; nothing else.

    Raises:
        RenderError: the variant does not run on this machine.
    """

    def __init__(self, variant: str | None = None, samples: int = 6, denoise: bool = True, seed: int = 0) -> None:
        if samples < 1:
            raise RenderError(f"samples is {samples}: a picture needs at least 1 path a pixel")
        self._variant: Variant = choose_variant(variant)
        _LOG.info("rendering with Mitsuba %s (LLVM %s)", self._variant.name, self._variant.llvm)
        self._samples, self._denoise, self._seed = samples, denoise, seed
        self._lock = threading.RLock()
        self._materials = MaterialLibrary()
        self._device_materials: tuple[int, DeviceMaterials] | None = None
        self._models: OrderedDict[str, Soup] = OrderedDict()
        self._town_soup = joined([])
        self._town: tuple[frozenset[int], _Loaded] | None = None
        self._moving: tuple[tuple[object, ...], _Loaded] | None = None
        self._merged: tuple[object, Stage, Soup] | None = None
        self._sky: tuple[tuple[object, ...], sky.Sky] | None = None
        self._device_sky: tuple[object, DeviceSky] | None = None
        self._ground: tuple[Water, DeviceGround] | None = None
        self.times = Times()

    @property
    def variant(self) -> Variant:
        """The Mitsuba variant in use."""
        return self._variant

    def load(self, town: Town) -> None:
        """Make this the town of all that follows.

        Raises:
            RenderError: a mesh or material of the town cannot be used; names it.
        """
        with self._lock:
            activate(self._variant)
            soups = [soup_of_part(m.part, m.tag, self._materials, m.object_ids) for m in town.meshes]
            models: dict[str, Soup] = {}
            for thing in town.objects:
                if thing.model is None:
                    continue
                if thing.model not in town.models:
                    raise RenderError(f"town {town.name}: object {thing.name} names the unknown model {thing.model!r}")
                if thing.model not in models:
                    parts = town.models[thing.model]
                    models[thing.model] = joined(soup_of_part(p.part, p.tag, self._materials) for p in parts)
                soups.append(models[thing.model].placed(thing.pose, thing.id))
            self._town_soup = joined(soups)
            self._town = self._moving = self._merged = None

    def render(
        self,
        cameras: Sequence[Camera],
        objects: Sequence[SceneObject],
        weather: Weather,
        hidden: frozenset[int] = frozenset(),
    ) -> list[NDArray[np.uint8]]:
        """One [H,W,4] BGRA picture a camera, in CARLA's encodings; town objects in `hidden` are left out.

        Raises:
            RenderError: a camera, part or material cannot be used; names it.
        """
        with self._lock:
            activate(self._variant)
            self.times = Times()
            stage, soup = self._stage(objects, hidden)
            frames: dict[View, _Frame] = {}
            images = []
            for camera in cameras:
                frame = frames.setdefault(View.of(camera), _Frame())
                images.append(self._image(camera, View.of(camera), frame, stage, soup, weather))
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
        length = float(np.linalg.norm(direction))
        if not np.isfinite(length) or length <= 0 or not np.all(np.isfinite(origin)):
            raise RenderError("cast: the direction has no length, or a number is not finite; give a finite ray")
        with self._lock:
            activate(self._variant)
            stage, soup = self._stage(objects, hidden)
            met = trace_ray(stage, np.asarray(origin, dtype=np.float64), np.asarray(direction) / length, reach_m)
            return [Hit(t, int(soup.tag[face]), int(soup.object_id[face])) for face, t in met]

    def _stage(self, objects: Sequence[SceneObject], hidden: frozenset[int]) -> tuple[Stage, Soup]:
        began = time.perf_counter()
        if self._town is None or self._town[0] != hidden:
            soup = self._town_soup
            if hidden:
                soup = soup.kept(~np.isin(soup.object_id, np.array(sorted(hidden), dtype=np.uint32)))
            self._town = (hidden, self._load(soup))
        identity = tuple((o.id, o.key, np.asarray(o.pose, dtype=np.float64).tobytes()) for o in objects)
        if self._moving is None or self._moving[0] != identity:
            self._moving = (identity, self._load(joined(self._placed(o) for o in objects)))
        town, moving = self._town[1], self._moving[1]
        key = (id(town), id(moving))
        if self._merged is None or self._merged[0] != key:
            self._merged = (key, self._merge(town, moving), joined([town.soup, moving.soup]))
        self.times.build += time.perf_counter() - began
        return self._merged[1], self._merged[2]

    def _placed(self, thing: SceneObject) -> Soup:
        model = self._models.get(thing.key)
        if model is None:
            model = joined(soup_of_part(p.part, p.tag, self._materials) for p in thing.parts)
            self._models[thing.key] = model
            if len(self._models) > _KEPT_MODELS:
                self._models.popitem(last=False)
        else:
            self._models.move_to_end(thing.key)
        pose = np.asarray(thing.pose, dtype=np.float64)
        if pose.shape != (4, 4) or not np.all(np.isfinite(pose)):
            raise RenderError(f"object {thing.id}: the pose is not a finite 4x4 matrix; correct its transform")
        return model.placed(pose, thing.id)

    def _load(self, soup: Soup) -> _Loaded:
        if not len(soup):
            return _Loaded(soup, None, None)
        return _Loaded(soup, load_scene(soup), FaceBuffers.of(soup) if self._variant.wide else None)

    def _merge(self, town: _Loaded, moving: _Loaded) -> Stage:
        scenes = []
        first = 0
        for part in (town, moving):
            if part.scene is not None:
                scenes.append((part.scene, first))
            first += len(part.soup)
        buffers = [part.faces for part in (town, moving) if part.faces is not None]
        faces = None if not buffers else buffers[0] if len(buffers) == 1 else buffers[0].followed_by(buffers[1])
        return Stage(tuple(scenes), faces)

    def _image(
        self, camera: Camera, view: View, frame: _Frame, stage: Stage, soup: Soup, weather: Weather
    ) -> NDArray[np.uint8]:
        if frame.labels is None:
            began = time.perf_counter()
            frame.labels = trace_labels(view, stage, soup)
            self.times.labels += time.perf_counter() - began
        if camera.kind == "rgb":
            if frame.radiance is None:
                frame.radiance = self._radiance(view, frame.labels, stage, soup, weather)
            began = time.perf_counter()
            image = tone.picture(frame.radiance, camera.options)
        else:
            began = time.perf_counter()
            image = _ENCODERS[camera.kind](frame.labels)
        self.times.encode += time.perf_counter() - began
        return image

    def _radiance(
        self, view: View, labels: Labels, stage: Stage, soup: Soup, weather: Weather
    ) -> NDArray[np.float32]:
        began = time.perf_counter()
        fog = air.fog_of(weather)
        heaven = self._heaven(weather, fog)
        drawn = self._draw(view, stage, soup, heaven, weather)
        self.times.render += time.perf_counter() - began
        began = time.perf_counter()
        radiance = denoised(drawn.radiance, drawn.albedo, drawn.normal) if self._denoise else drawn.radiance
        self.times.denoise += time.perf_counter() - began
        began = time.perf_counter()
        radiance = air.foggy(radiance, drawn.cover, view, labels, heaven, fog)
        radiance = air.rainy(radiance, view, labels, heaven, weather, self._seed)
        self.times.encode += time.perf_counter() - began
        return radiance

    def _draw(self, view: View, stage: Stage, soup: Soup, heaven: sky.Sky, weather: Weather) -> Picture:
        water = water_of(weather)
        if not self._variant.wide:
            return scalar.render_scalar(view, soup, self._materials.tables(), heaven, water, self._samples, self._seed)
        if self._device_materials is None or self._device_materials[0] != len(self._materials):
            self._device_materials = (len(self._materials), DeviceMaterials(self._materials.tables()))
        if self._device_sky is None or self._device_sky[0] is not heaven:
            self._device_sky = (heaven, DeviceSky(heaven))
        if self._ground is None or self._ground[0] != water:
            self._ground = (water, DeviceGround(water))
        return render_wide(
            view, stage, self._device_materials[1], self._device_sky[1], self._ground[1], self._samples, self._seed
        )

    def _heaven(self, weather: Weather, fog: air.Fog) -> sky.Sky:
        veil = fog.veil(float(sky.sun_direction(weather)[2]))
        key = (
            weather.cloudiness, weather.precipitation, weather.sun_altitude_angle, weather.sun_azimuth_angle, veil
        )
        if self._sky is None or self._sky[0] != key:
            clear = sky.clear_sky(weather.sun_altitude_angle, weather.sun_azimuth_angle, _TURBIDITY)
            self._sky = (key, sky.make_sky(weather, clear, veil))
        return self._sky[1]


_ENCODERS = {
    "depth": depth_image,
    "semantic_segmentation": semantic_image,
    "instance_segmentation": instance_image,
}
