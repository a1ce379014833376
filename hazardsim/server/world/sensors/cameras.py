"""The four cameras: their attributes, and a camera out of an actor's attributes. Source: carla.md section 9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from hazardsim.server.protocol.structs import ActorAttribute, AttributeType
from hazardsim.server.scene import CameraKind
from hazardsim.server.world.attributes import attribute, integer, number

KINDS: Final[tuple[CameraKind, ...]] = get_args(CameraKind)
MAX_SIDE_PX: Final = 8192
MAX_PIXELS: Final = 1 << 25

_PLACES: Final = ("front", "back", "left", "right", "front_left", "front_right", "back_left", "back_right")

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


def blueprint_id(kind: CameraKind) -> str:
    """The name that clients use."""
    return f"sensor.camera.{kind}"


def camera_attributes(kind: CameraKind) -> tuple[ActorAttribute, ...]:
    """All attributes of one camera blueprint, with CARLA's types and defaults."""
    floats = {"sensor_tick": "0.0", "fov": "90.0", **_LENS, **(_POST_PROCESS if kind == "rgb" else {})}
    shared = (
        attribute("role_name", AttributeType.STRING, "front", _PLACES),
        attribute("ros_name", AttributeType.STRING, blueprint_id(kind)),
        attribute("image_size_x", AttributeType.INT, "800"),
        attribute("image_size_y", AttributeType.INT, "600"),
        *(attribute(name, AttributeType.FLOAT, default) for name, default in floats.items()),
    )
    if kind != "rgb":
        return shared
    return (
        *shared,
        attribute("enable_postprocess_effects", AttributeType.BOOL, "true"),
        attribute("exposure_mode", AttributeType.STRING, "histogram", ("histogram", "manual"), restricted=True),
        attribute("blade_count", AttributeType.INT, "5"),
    )


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What a camera actor was spawned with; `options` are all its attributes."""

    kind: CameraKind
    width: int
    height: int
    fov_deg: float
    period_s: float
    options: Mapping[str, str]


def camera_settings(kind: CameraKind, options: Mapping[str, str]) -> CameraSettings:
    """Read the attributes of a camera.

    Raises:
        ValueError: a size or an angle that no camera can have; the message names the attribute.
    """
    width, height = integer(options["image_size_x"]) or 0, integer(options["image_size_y"]) or 0
    for name, side in (("image_size_x", width), ("image_size_y", height)):
        if not 1 <= side <= MAX_SIDE_PX:
            raise ValueError(f"{name}={options[name]} is not within 1..{MAX_SIDE_PX}")
    if width * height > MAX_PIXELS:
        raise ValueError(f"image_size_x * image_size_y = {width * height} is more than {MAX_PIXELS} pixels")
    fov_deg, period_s = number(options["fov"]) or 0.0, number(options["sensor_tick"]) or 0.0
    if not 0.1 <= fov_deg <= 170.0:
        raise ValueError(f"fov={options['fov']} is not within 0.1..170 degrees")
    return CameraSettings(kind, width, height, fov_deg, period_s, dict(options))
