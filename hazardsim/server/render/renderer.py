"""The renderer of the embedded server: keeps a town loaded, draws cameras, casts rays."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from hazardsim.catalogue.model import TaggedPart
from hazardsim.errors import RenderError
from hazardsim.server.render import air, scalar, sky, tone
from hazardsim.server.render.denoise import denoised
from hazardsim.server.render.geometry import joined, soup_of_part
from hazardsim.server.render.ground import DeviceGround, Water, water_of
from hazardsim.server.render.labels import Labels, depth_image, instance_image, semantic_image
from hazardsim.server.render.pathtrace import DeviceSky, Picture, render_wide
from hazardsim.server.render.stage import Crowd, LoadedModel, ModelStore, Placement, Stage
from hazardsim.server.render.tables import DeviceMaterials
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.trace import trace_labels, trace_ray
from hazardsim.server.render.variant import Variant, activate, choose_variant
from hazardsim.server.render.view import View
from hazardsim.server.scene import Camera, Hit, SceneObject, Town
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

    def __init__(self, variant: str | None = None, samples: int = 4, denoise: bool = True, seed: int = 0) -> None:
        if samples < 1:
            raise RenderError(f"samples is {samples}: a picture needs at least 1 path a pixel")
        self._variant: Variant = choose_variant(variant)
        _LOG.info("rendering with Mitsuba %s (LLVM %s)", self._variant.name, self._variant.llvm)
        self._samples, self._denoise, self._seed = samples, denoise, seed
        self._lock = threading.RLock()
        self._materials = MaterialLibrary()
        self._device_materials: tuple[int, DeviceMaterials] | None = None
        self._store = ModelStore(self._variant.wide)
        self._models: dict[str, LoadedModel] = {}
        self._town_model: LoadedModel | None = None
        self._town_things: list[Placement] = []
        self._town: tuple[frozenset[int], Crowd] | None = None
        self._moving: tuple[object, Crowd] | None = None
        self._set: tuple[tuple[Crowd, Crowd], Stage] | None = None
        self._sky: tuple[tuple[object, ...], sky.Sky] | None = None
        self._device_sky: tuple[object, DeviceSky] | None = None
        self._ground: tuple[Water, DeviceGround] | None = None
        self._scalar: scalar.ScalarScenes | None = None
        self.times = Times()

    @property
    def variant(self) -> Variant:
        """The Mitsuba variant in use."""
        return self._variant

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
            self._store = ModelStore(self._variant.wide)
            self._models = {}
            self._town = self._moving = self._set = self._scalar = None
            self._town_model = self._store.add(
                joined(soup_of_part(m.part, m.tag, self._materials, m.object_ids) for m in town.meshes)
            )
            models: dict[str, LoadedModel] = {}
            self._town_things = []
            for thing in town.objects:
                if thing.model is None:
                    continue
                if thing.model not in town.models:
                    raise RenderError(f"town {town.name}: object {thing.name} names the unknown model {thing.model!r}")
                if thing.model not in models:
                    models[thing.model] = self._model(town.models[thing.model])
                self._town_things.append(Placement(models[thing.model], thing.pose, thing.id))

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
            stage = self._stage(objects, hidden)
            frames: dict[View, _Frame] = {}
            images = []
            for camera in cameras:
                frame = frames.setdefault(View.of(camera), _Frame())
                images.append(self._image(camera, View.of(camera), frame, stage, weather))
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
            stage = self._stage(objects, hidden)
            return trace_ray(stage, np.asarray(origin, dtype=np.float64), np.asarray(direction) / length, reach_m)

    def _model(self, parts: Sequence[TaggedPart]) -> LoadedModel:
        return self._store.add(joined(soup_of_part(p.part, p.tag, self._materials) for p in parts))

    def _stage(self, objects: Sequence[SceneObject], hidden: frozenset[int]) -> Stage:
        began = time.perf_counter()
        if self._town is None or self._town[0] != hidden:
            self._town = (hidden, Crowd(self._standing(hidden)))
        identity = tuple((o.id, o.key, np.asarray(o.pose, dtype=np.float64).tobytes()) for o in objects)
        if self._moving is None or self._moving[0] != identity:
            for thing in objects:
                if thing.key not in self._models:
                    self._models[thing.key] = self._model(thing.parts)
            self._moving = (identity, Crowd([Placement(self._models[o.key], o.pose, o.id) for o in objects]))
        crowds = (self._town[1], self._moving[1])
        if self._set is None or self._set[0] != crowds:
            self._set = (crowds, Stage(crowds, self._store, self._variant.wide))
        self.times.build += time.perf_counter() - began
        return self._set[1]

    def _standing(self, hidden: frozenset[int]) -> list[Placement]:
        """The town without the hidden objects."""
        if self._town_model is None:
            return []
        ground = self._town_model
        gone = np.isin(ground.soup.object_id, np.array(sorted(hidden), dtype=np.uint32))
        if gone.any():
            ground = self._store.add(ground.soup.kept(~gone))
        things = [p for p in self._town_things if p.object_id not in hidden]
        return [Placement(ground, np.eye(4), 0), *things]

    def _image(self, camera: Camera, view: View, frame: _Frame, stage: Stage, weather: Weather) -> NDArray[np.uint8]:
        if frame.labels is None:
            began = time.perf_counter()
            frame.labels = trace_labels(view, stage)
            self.times.labels += time.perf_counter() - began
        if camera.kind == "rgb":
            if frame.radiance is None:
                frame.radiance = self._radiance(view, frame.labels, stage, weather)
            began = time.perf_counter()
            image = tone.picture(frame.radiance, camera.options)
        else:
            began = time.perf_counter()
            image = _ENCODERS[camera.kind](frame.labels)
        self.times.encode += time.perf_counter() - began
        return image

    def _radiance(self, view: View, labels: Labels, stage: Stage, weather: Weather) -> NDArray[np.float32]:
        began = time.perf_counter()
        fog = air.fog_of(weather)
        heaven = self._heaven(weather, fog)
        drawn = self._draw(view, stage, heaven, weather)
        self.times.render += time.perf_counter() - began
        began = time.perf_counter()
        radiance = denoised(drawn.radiance, drawn.albedo, drawn.normal) if self._denoise else drawn.radiance
        self.times.denoise += time.perf_counter() - began
        began = time.perf_counter()
        radiance = air.foggy(radiance, drawn.cover, view, labels, heaven, fog)
        radiance = air.rainy(radiance, view, labels, heaven, weather, self._seed)
        self.times.encode += time.perf_counter() - began
        return radiance

    def _draw(self, view: View, stage: Stage, heaven: sky.Sky, weather: Weather) -> Picture:
        water = water_of(weather)
        if not self._variant.wide:
            if self._scalar is None or self._scalar.water != water:
                self._scalar = scalar.ScalarScenes(self._materials, water)
            return scalar.render_scalar(view, stage, self._scalar, heaven, self._samples, self._seed)
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
        key = (weather.cloudiness, weather.precipitation, weather.sun_altitude_angle, weather.sun_azimuth_angle, veil)
        if self._sky is None or self._sky[0] != key:
            clear = sky.clear_sky(weather.sun_altitude_angle, weather.sun_azimuth_angle, _TURBIDITY)
            self._sky = (key, sky.make_sky(weather, clear, veil))
        return self._sky[1]


_ENCODERS = {
    "depth": depth_image,
    "semantic_segmentation": semantic_image,
    "instance_segmentation": instance_image,
}
