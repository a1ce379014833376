"""Encoders of segmenters by name, with random weights."""

from __future__ import annotations

import difflib
from typing import Final, cast

from torch import nn

from ood_eval.errors import ConfigError

# Names that users type, and what segmentation-models-pytorch calls them ("tu-" = timm).
_TIMM_ENCODERS: Final = {
    "efficientnet_lite0": "tu-tf_efficientnet_lite0",
    "mobilenetv3_large": "tu-mobilenetv3_large_100",
}


def build_encoder(name: str, *, depth: int, output_stride: int) -> nn.Module:
    """An encoder with random weights; nothing is ever downloaded.

    Raises:
        ConfigError: the name is unknown (close ones are suggested), or the encoder cannot be dilated.
    """
    import segmentation_models_pytorch as smp
    import timm

    full = _TIMM_ENCODERS.get(name, name)
    known = [*_TIMM_ENCODERS, *smp.encoders.encoders]
    if full not in known and not (full.startswith("tu-") and timm.is_model(full.removeprefix("tu-"))):
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else "; for example resnet18, resnet101, efficientnet_lite0"
        raise ConfigError(f"unknown encoder {name!r}{hint}")
    stride = min(output_stride, 2**depth) if depth > 3 else 32
    try:
        return cast("nn.Module", smp.encoders.get_encoder(full, depth=depth, weights=None, output_stride=stride))
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ConfigError(f"encoder {name!r} cannot be made dense at stride {output_stride}: {error}") from error
