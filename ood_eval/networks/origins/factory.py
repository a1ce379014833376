"""`package.module:factory`: whatever a user's own function makes, looked for in the working directory too."""

from __future__ import annotations

from typing import Any

from torch import nn

from ood_eval.code import own_attribute
from ood_eval.errors import ConfigError, NetworkError
from ood_eval.networks.origin import Opened, Wanted
from ood_eval.networks.state_dict import fill, read_state_dict


def open_factory(rest: str, wanted: Wanted) -> Opened:
    """The module that a function without arguments, or a class, gives.

    What they have as attributes is taken over: `class_names` and `features_layer` of the factory or the network,
    `mean` and `std` of the factory.

    Raises:
        ConfigError: it cannot be imported, or an attribute has a wrong value.
        NetworkError: it fails, or gives no module.
        CheckpointError: the weights are missing, damaged or do not fit.
    """
    maker: Any = own_attribute(rest, "segmenter")
    network = maker
    if not isinstance(maker, nn.Module):
        if not callable(maker):
            raise ConfigError(f"segmenter {rest!r} is a {type(maker).__name__}, neither a function nor a torch module")
        network = _made(maker, rest)
    remarks: tuple[str, ...] = (f"{rest}: its weights are as the factory gives them; others go by --weights",)
    if wanted.weights is not None:
        remarks = fill(network, read_state_dict(wanted.weights), wanted.weights, partial=wanted.partial)
    told = {name: _told(name, maker, network) for name in ("class_names", "features_layer")}
    # Of the factory alone: a network that has them may normalise by itself.
    told |= {name: _told(name, maker) for name in ("mean", "std") if maker is not network}
    try:
        return Opened(
            network,
            tuple(map(str, told["class_names"] or ())),
            _numbers(told.get("mean")),
            _numbers(told.get("std")),
            None if told["features_layer"] is None else str(told["features_layer"]),
            modules=(rest.partition(":")[0],),
            files=(wanted.weights,) if wanted.weights is not None else (),
            remarks=remarks,
        )
    except (TypeError, ValueError) as error:
        raise ConfigError(f"segmenter {rest!r}: class_names, mean or std is no list of names or numbers") from error


def _made(maker: Any, name: str) -> nn.Module:  # noqa: ANN401
    try:
        network = maker()
    except Exception as error:  # whatever a stranger's code may raise
        reason = " ".join(str(error).split())
        raise NetworkError(f"segmenter {name!r} cannot be made: {type(error).__name__}: {reason}") from error
    if not isinstance(network, nn.Module):
        raise NetworkError(f"segmenter {name!r} makes a {type(network).__name__}, not a torch.nn.Module")
    return network


def _told(name: str, *owners: object) -> Any:  # noqa: ANN401
    return next((found for owner in owners if (found := getattr(owner, name, None)) is not None), None)


def _numbers(values: Any) -> tuple[float, ...] | None:  # noqa: ANN401
    return None if values is None else tuple(map(float, values))
