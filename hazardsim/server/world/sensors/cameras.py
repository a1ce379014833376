"""The cameras: their attributes, and a picture out of what the renderer draws.

Source: CARLA 0.9.16 documentation, "Sensors reference" (ref_sensors) and "Blueprint library" (bp_library).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from numpy.typing import NDArray

from hazardsim.server.protocol.payloads import Buffers
from hazardsim.server.protocol.structs import ActorAttribute, AttributeType
from hazardsim.server.renderables import Camera
from hazardsim.server.world.attributes import attribute, integer, number
from hazardsim.server.world.sensors.sensor import Measurement, Moment, SensorBlueprint, common_attributes, period_of
from hazardsim.server.world.transforms import pose_from_transform

MAX_SIDE_PX: Final = 8192
MAX_PIXELS: Final = 1 << 25

_PICTURE: Final = struct.Struct("<IIf")
"""Width, height and horizontal field of view, before the BGRA bytes of a picture."""

_LENS: Final = {
    "lens_circle_falloff": "5.0",
    "lens_circle_multiplier": "0.0",
    "lens_k": "-1.0",
    "lens_kcube": "0.0",
    "lens_x_size": "0.08",
    "lens_y_size": "0.08",
}
_POST_PROCESS: Final = {
    "gamma": "2.2",
    "motion_blur_intensity": "0.45",
    "motion_blur_max_distortion": "0.35",
    "motion_blur_min_object_screen_size": "0.1",
    "lens_flare_intensity": "0.1",
    "bloom_intensity": "0.675",
    "exposure_compensation": "0.0",
    "exposure_min_bright": "10.0",
    "exposure_max_bright": "12.0",
    "exposure_speed_up": "3.0",
    "exposure_speed_down": "1.0",
    "calibration_constant": "16.0",
    "shutter_speed": "200.0",
    "iso": "100.0",
    "fstop": "1.4",
    "min_fstop": "1.2",
    "focal_distance": "1000.0",
    "blur_amount": "1.0",
    "blur_radius": "0.0",
    "slope": "0.88",
    "toe": "0.55",
    "shoulder": "0.26",
    "black_clip": "0.0",
    "white_clip": "0.04",
    "temp": "6500.0",
    "tint": "0.0",
    "chromatic_aberration_intensity": "0.0",
    "chromatic_aberration_offset": "0.0",
}


@dataclass(frozen=True, slots=True, eq=False)
class CameraSensor:
    """One camera: every attribute is in `options`, those that decide the geometry are read."""

    render_pass: str
    width: int
    height: int
    fov_deg: float
    period_s: float
    options: Mapping[str, str]

    def measure(self, moment: Moment) -> Measurement:
        """One picture from where the camera is."""
        pose = pose_from_transform(moment.transform)
        pose.flags.writeable = False
        camera = Camera(self.render_pass, self.width, self.height, self.fov_deg, pose, self.options)
        return Measurement(self._encode, (camera,))

    def _encode(self, pictures: Sequence[NDArray[Any]]) -> Buffers:
        (pixels,) = pictures
        return (_PICTURE.pack(self.width, self.height, self.fov_deg), pixels.tobytes())


def camera_from_attributes(render_pass: str, values: Mapping[str, str]) -> CameraSensor:
    """Read the attributes of a camera.

    Raises:
        ValueError: a size or an angle that no camera can have; the message names the attribute.
    """
    width, height = integer(values["image_size_x"]) or 0, integer(values["image_size_y"]) or 0
    for name, side in (("image_size_x", width), ("image_size_y", height)):
        if not 1 <= side <= MAX_SIDE_PX:
            raise ValueError(f"{name}={values[name]} is not within 1..{MAX_SIDE_PX}")
    if width * height > MAX_PIXELS:
        raise ValueError(f"image_size_x * image_size_y = {width * height} is more than {MAX_PIXELS} pixels")
    fov_deg = number(values["fov"]) or 0.0
    if not 0.1 <= fov_deg <= 170.0:
        raise ValueError(f"fov={values['fov']} is not within 0.1..170 degrees")
    return CameraSensor(render_pass, width, height, fov_deg, period_of(values), dict(values))


def _camera(render_pass: str, more: tuple[ActorAttribute, ...] = ()) -> SensorBlueprint:
    """The row of a camera whose data kind and render pass have one name, as all of CARLA's BGRA cameras."""
    sensor_id = f"sensor.camera.{render_pass}"
    return SensorBlueprint(
        id=sensor_id,
        stream=render_pass,
        attributes=(
            *common_attributes(sensor_id),
            attribute("image_size_x", AttributeType.INT, "800"),
            attribute("image_size_y", AttributeType.INT, "600"),
            attribute("fov", AttributeType.FLOAT, "90.0"),
            *_floats(_LENS),
            *more,
        ),
        make=partial(camera_from_attributes, render_pass),
        passes=(render_pass,),
    )


def _floats(defaults: Mapping[str, str]) -> tuple[ActorAttribute, ...]:
    return tuple(attribute(name, AttributeType.FLOAT, default) for name, default in defaults.items())


_RGB_ONLY: Final = (
    *_floats(_POST_PROCESS),
    attribute("enable_postprocess_effects", AttributeType.BOOL, "true"),
    attribute("exposure_mode", AttributeType.STRING, "histogram", ("histogram", "manual"), restricted=True),
    attribute("blade_count", AttributeType.INT, "5"),
)

CAMERAS: Final = (
    _camera("rgb", _RGB_ONLY),
    _camera("depth"),
    _camera("semantic_segmentation"),
    _camera("instance_segmentation"),
)
