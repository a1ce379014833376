"""What is seen of an actor: from a blueprint and its attributes to tagged parts and a box."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import AssetError
from hazardsim.mesh.model import Model, TaggedPart
from hazardsim.server.protocol.structs import BoundingBox
from hazardsim.server.world.attributes import colour, number
from hazardsim.server.world.blueprints import Blueprint, VehicleKind, WalkerKind
from hazardsim.server.world.transforms import local_box
from hazardsim.taxonomy import TAG_OF_FOLDER

_log = logging.getLogger(__name__)

_MESH_PATH: Final = re.compile(r"/Game/[^/]+/Static/([^/]+)/(?:[^/]+/)*([^/.]+)\.([^/.]+)")


class PropCatalogue(Protocol):
    """Where meshes of `static.prop.mesh` come from."""

    def model(self, asset_id: str) -> Model:
        """The mesh of an asset; AssetError where there is none."""


class StreetCatalogue(Protocol):
    """Where vehicles and pedestrians come from: the module `hazardsim.street.blueprints` is one."""

    @property
    def VEHICLES(self) -> Sequence[VehicleKind]:  # noqa: N802 - a constant of the module
        """All vehicle blueprints."""

    @property
    def WALKERS(self) -> Sequence[WalkerKind]:  # noqa: N802 - a constant of the module
        """All pedestrian blueprints."""

    def vehicle_model(self, blueprint: str, colour: tuple[float, float, float]) -> Model:
        """The mesh of a vehicle in a paint (sRGB, 0..1)."""

    def walker_model(self, blueprint: str) -> Model:
        """The mesh of a pedestrian."""


@dataclass(frozen=True, slots=True, eq=False)
class ActorModel:
    """What is drawn of an actor: parts at `scale`, and the box around them in its own axes, scaled, in metres."""

    key: str
    parts: tuple[TaggedPart, ...]
    tag: int
    scale: float
    centre_m: NDArray[np.float64]
    extent_m: NDArray[np.float64]

    def box(self) -> BoundingBox:
        """The box as the client gets it."""
        return local_box(self.centre_m, self.extent_m)


def _actor_model(model: Model, tag: int, scale: float = 1.0) -> ActorModel:
    low, high = model.bounds()
    return ActorModel(
        key=f"{model.key}#{tag}",
        parts=model.tagged(tag),
        tag=tag,
        scale=scale,
        centre_m=(low + high) / 2 * scale,
        extent_m=(high - low) / 2 * scale,
    )


class ActorModels:
    """Makes actors' models from the catalogue; equal meshes and tags give the very same parts."""

    def __init__(self, props: PropCatalogue, street: StreetCatalogue) -> None:
        self._props = props
        self._street = street
        self._parts: dict[str, tuple[TaggedPart, ...]] = {}

    def of(self, blueprint: Blueprint, values: Mapping[str, str]) -> ActorModel | None:
        """The model of an actor of this blueprint; None for what cannot be seen.

        Raises:
            ValueError: a scale that is not positive.
        """
        made = self._make(blueprint, values)
        if made is None:
            return None
        parts = self._parts.setdefault(made.key, made.parts)
        return ActorModel(made.key, parts, made.tag, made.scale, made.centre_m, made.extent_m)

    def _make(self, blueprint: Blueprint, values: Mapping[str, str]) -> ActorModel | None:
        if blueprint.kind == "vehicle":
            paint = colour(values["color"]) or (0.5, 0.5, 0.5)
            return _actor_model(self._street.vehicle_model(blueprint.id, paint), blueprint.tag)
        if blueprint.kind == "walker":
            return _actor_model(self._street.walker_model(blueprint.id), blueprint.tag)
        if blueprint.kind == "prop":
            return self._prop(values["mesh_path"], values["scale"])
        return None

    def _prop(self, mesh_path: str, scale_text: str) -> ActorModel | None:
        scale = number(scale_text)
        if scale is None or not scale > 0.0:
            raise ValueError(f"scale={scale_text!r} is not a positive number")
        match = _MESH_PATH.fullmatch(mesh_path)
        if match is None or match.group(2) != match.group(3):
            _log.warning("mesh_path %r names no mesh: the actor is invisible", mesh_path)
            return None
        folder, asset_id = match.group(1), match.group(2)
        try:
            return _actor_model(self._props.model(asset_id), TAG_OF_FOLDER.get(folder, 0), scale)
        except AssetError as error:
            _log.warning("mesh_path %r: %s; the actor is invisible", mesh_path, error)
            return None
