"""What a frame carries: one row a channel, from the sensor's bytes to the file on disk."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import NDArray

from hazardsim.channels import png, wire
from hazardsim.channels.channel import Channel
from hazardsim.taxonomy import street_hazards_from_tags

# The lens must be the same for all or labels shift against the picture; motion blur would smear a rig that is moved.
_LENS: Final = {"lens_circle_falloff": "5.0", "lens_circle_multiplier": "0.0", "lens_k": "0.0", "lens_kcube": "0.0"}
_STILL: Final = {**_LENS, "motion_blur_intensity": "0.0", "lens_flare_intensity": "0.0"}


def _png_from_tags(tags: NDArray[Any]) -> bytes:
    return png.png_from_labels(street_hazards_from_tags(tags))


CHANNELS: Final[dict[str, Channel]] = {
    "rgb": Channel(
        dtype="uint8",
        values=3,
        sensor="sensor.camera.rgb",
        settings=_STILL,
        decode=lambda image, _: wire.rgb_from_bgra(image.bgra()),
        folder="images",
        write=png.png_from_rgb,
        read=png.rgb_from_png,
    ),
    "semantic": Channel(
        dtype="uint8",
        sensor="sensor.camera.semantic_segmentation",
        settings=_LENS,
        decode=lambda image, _: wire.tags_from_bgra(image.bgra()),
        folder="annotations",
        write=_png_from_tags,
        read=png.labels_from_png,
    ),
    "instance": Channel(
        dtype="uint16",
        sensor="sensor.camera.instance_segmentation",
        settings=_LENS,
        decode=lambda image, actors: wire.scene_instances(wire.ids_from_bgra(image.bgra()), actors),
        folder="instances",
        write=png.png_from_instances,
        read=png.instances_from_png,
    ),
    "depth": Channel(
        dtype="uint32",
        sensor="sensor.camera.depth",
        settings=_LENS,
        decode=lambda image, _: wire.depth_from_bgra(image.bgra()),
        folder="depth",
        write=png.png_from_depth,
        read=png.depth_from_png,
    ),
}
