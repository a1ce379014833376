"""State dicts of any make: read without running code, fitted to a network, and told where they do not fit."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from ood_eval.errors import CheckpointError

# What training tools keep beside weights, and put before the names of tensors.
_HOLDERS: Final = ("state_dict", "model_state_dict", "model_state", "model")
_PREFIXES: Final = ("module.", "model.", "network.", "_orig_mod.")
_SHOWN: Final = 5


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """A file's state dict, loaded without running code from it; also from among what a training tool keeps beside it.

    Args:
        path: of safetensors where the name ends so, else of what `torch.save` wrote.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file")
    state = _content(path)
    if isinstance(state, Mapping):
        state = next((state[name] for name in _HOLDERS if isinstance(state.get(name), Mapping)), state)
    if not isinstance(state, Mapping) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path}: holds no plain state dict of tensors")
    return cast("dict[str, Tensor]", dict(state))


def fill(network: nn.Module, state: Mapping[str, Tensor], path: Path, *, partial: bool = False) -> tuple[str, ...]:
    """Fills a network in place and returns remarks: what prefix was taken off, and with `partial` what is left out.

    Args:
        network: of which every tensor is wanted, but for batch norm's counters, which old files lack.
        state: from a file.
        path: of the file.
        partial: takes what fits.

    Raises:
        CheckpointError: a tensor is missing, has another shape or is none of the network's; with `partial`, none fits.
    """
    wanted = network.state_dict()
    state, remarks = without_prefixes(state, wanted, path)
    fitting = {name: value for name, value in state.items() if name in wanted and value.shape == wanted[name].shape}
    faults = _faults(wanted, state)
    if faults and not (partial and fitting):
        hint = "" if partial or not fitting else "; --partial-weights takes what fits"
        raise CheckpointError(f"{path}: does not fit the network: {'; '.join(faults)}{hint}")
    network.load_state_dict(fitting, strict=False)
    return (*remarks, *(f"{path}: taken as far as it fits: {fault}" for fault in faults))


def without_prefixes(
    state: Mapping[str, Tensor], wanted: Mapping[str, Any], path: Path
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state dict without prefixes that training tools put before every name, and a remark for each."""
    found, remarks = dict(state), []
    for _ in _PREFIXES:
        prefix = next((one for one in _PREFIXES if all(name.startswith(one) for name in found)), None)
        if prefix is None or any(name.startswith(prefix) for name in wanted):
            break
        found = {name.removeprefix(prefix): value for name, value in found.items()}
        remarks.append(f"{path}: {prefix!r} is taken off the names of its tensors")
    return found, tuple(remarks)


def _content(path: Path) -> Any:  # noqa: ANN401
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise CheckpointError(f"{path}: reading it needs safetensors; pip install 'hazardsim[hf]'") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: not a weights file that can be read without running code from it; keep its state dict alone, by "
            "torch.save(network.state_dict(), FILE)"
        ) from error
    except Exception as error:  # safetensors and torch have errors of many kinds for a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path}: not a readable weights file ({reason})") from error


def _faults(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """What does not fit, a phrase for each kind."""
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    strange = [name for name in state if name not in wanted]
    shapes = [
        f"{name} {list(state[name].shape)} for {list(value.shape)}"
        for name, value in wanted.items()
        if name in state and state[name].shape != value.shape
    ]
    kinds = (("missing", missing), ("not of this network", strange), ("of another shape", shapes))
    return [f"{len(names)} of its tensors {word} ({_some(names)})" for word, names in kinds if names]


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
