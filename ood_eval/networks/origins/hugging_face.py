"""`hf:FOLDER`: a segmenter of transformers from a local folder; nothing is downloaded, no code of the folder runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from torch import nn

from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.networks.origin import Opened, Wanted
from ood_eval.networks.state_dict import fill, read_state_dict

_CONFIG: Final = "config.json"
_PREPROCESSORS: Final = ("preprocessor_config.json", "processor_config.json")
# Outputs [B,D,h,w] just before the classifier, by architecture.
_FEATURES: Final = {
    "SegformerForSemanticSegmentation": "decode_head.dropout",
    "UperNetForSemanticSegmentation": "decode_head.fpn_bottleneck",
    "Mask2FormerForUniversalSegmentation": "model.pixel_level_module.decoder.mask_projection",
}


def open_hugging_face(rest: str, wanted: Wanted) -> Opened:
    """The network of `config.json` with the folder's safetensors, or with weights of a file.

    Names of classes are the configuration's, normalisation is that of the folder's preprocessor. Images are not resized
    as its preprocessor would: they are scored at the size that the suite gives them.

    Raises:
        ConfigError: transformers is not installed, or the folder is none that it knows a network of.
        CheckpointError: the weights are missing, damaged or do not fit.
    """
    folder = Path(rest)
    if not folder.is_dir():
        fetch = f"; nothing is downloaded here: fetch it first, `hf download {rest} --local-dir FOLDER`"
        raise ConfigError(f"hf:{rest}: no such folder{fetch if rest.count('/') == 1 else ''}")
    settings = _json(folder / _CONFIG)
    kind, name = _kind(settings, folder)
    network, remarks = _loaded(kind, folder, wanted)
    labels = {int(key): str(label) for key, label in (settings.get("id2label") or {}).items()}
    mean, std = _normalisation(folder)
    layer = _FEATURES.get(name)
    there = layer is not None and any(key == layer for key, _ in network.named_modules())
    return Opened(
        network,
        tuple(labels[key] for key in sorted(labels)),
        mean,
        std,
        layer if there else None,
        files=tuple(sorted(path for path in folder.iterdir() if path.is_file()))
        + ((wanted.weights,) if wanted.weights is not None else ()),
        remarks=remarks,
    )


def _kind(settings: dict[str, Any], folder: Path) -> tuple[Any, str]:
    """The class of transformers that the configuration names."""
    try:
        import transformers
    except ImportError as error:
        raise ConfigError(f"hf:{folder}: needs transformers; pip install 'hazardsim[hf]'") from error
    name = next(iter(settings.get("architectures") or ()), "")
    kind = getattr(transformers, name, None) if name.endswith("Segmentation") else None
    if kind is None:
        told = f"{name}, which is none in transformers {transformers.__version__}" if name else "no architecture"
        raise ConfigError(f"{folder / _CONFIG}: names {told}; wanted is one such as SegformerForSemanticSegmentation")
    return kind, name


def _loaded(kind: Any, folder: Path, wanted: Wanted) -> tuple[nn.Module, tuple[str, ...]]:  # noqa: ANN401
    import torch
    from transformers.utils import logging as messages

    messages.disable_progress_bar()
    messages.set_verbosity_error()  # what it has to say of missing tensors is said below
    changes = {} if wanted.logits is None else {"num_labels": wanted.logits}
    try:
        config = kind.config_class.from_pretrained(folder, local_files_only=True, **changes)
        if wanted.weights is not None:
            network: nn.Module = kind(config)
            return network, fill(network, read_state_dict(wanted.weights), wanted.weights, partial=wanted.partial)
        network, told = kind.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=wanted.partial,
        )
    except CheckpointError:
        raise
    except Exception as error:  # transformers has errors of many kinds for a damaged folder
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"hf:{folder}: cannot be loaded ({type(error).__name__}: {reason})") from error
    return network, _misfits(told, folder, partial=wanted.partial)


def _misfits(told: dict[str, Any], folder: Path, *, partial: bool) -> tuple[str, ...]:
    words = {"missing_keys": "missing", "unexpected_keys": "not of this network", "mismatched_keys": "of another shape"}
    found = [
        f"{len(told[key])} of its tensors {word} ({', '.join(sorted(map(str, told[key]))[:5])})"
        for key, word in words.items()
        if told.get(key)
    ]
    if found and not partial:
        raise CheckpointError(
            f"hf:{folder}: its weights do not fit its configuration: {'; '.join(found)}; --partial-weights takes what "
            "fits"
        )
    return tuple(f"hf:{folder}: taken as far as it fits: {fault}" for fault in found)


def _normalisation(folder: Path) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and deviation of images scaled to 0..1, whatever factor the preprocessor scales by."""
    path = next((folder / name for name in _PREPROCESSORS if (folder / name).is_file()), None)
    if path is None:
        return None, None
    told = _json(path)
    told = told.get("image_processor", told)
    factor = float(told.get("rescale_factor", 1 / 255)) * 255 if told.get("do_rescale", True) else 255.0
    plain = not told.get("do_normalize", True)
    mean, std = ([0.0] * 3, [1.0] * 3) if plain else (told.get("image_mean"), told.get("image_std"))
    if mean is None or std is None:
        return None, None
    return tuple(float(value) / factor for value in mean), tuple(float(value) / factor for value in std)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: must be a table of keys")
    return value
