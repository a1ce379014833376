"""A segmenter from anywhere: a checkpoint of ours, torchvision, a folder of transformers, a user's own module."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from torch import nn

from ood_eval.code import is_installed, sources_of
from ood_eval.errors import ConfigError, NetworkError
from ood_eval.networks.checkpoint import CheckpointFile
from ood_eval.networks.class_names import class_names_of
from ood_eval.networks.foreign import ForeignNetwork, ForeignSegmenter, probe
from ood_eval.networks.identity import segmenter_identity
from ood_eval.networks.origin import Opened, Origin, Wanted
from ood_eval.networks.origins import ORIGINS, open_factory
from ood_eval.networks.segmenter import IMAGENET_MEAN, IMAGENET_STD, Segmenter

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Named:
    """A segmenter that a user names by `torchvision:NAME`, `hf:FOLDER` or `package.module:factory`.

    Args:
        text: the name.
        wanted: weights and classes, where the user gives them.
        features_layer: that gives features, instead of the maker's choice.
        mean: per RGB channel of images scaled to 0..1, instead of what the maker says.
        std: likewise.
    """

    text: str
    wanted: Wanted = field(default_factory=Wanted)
    features_layer: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self.text

    @property
    def identity(self) -> str:
        """A hash of its tensors, settings and code, found by loading it once."""
        return self._known[0]

    def load(self) -> Segmenter:
        """A fresh one; what there is to say of it is logged once."""
        opened = self._open()
        segmenter = self._segmenter(opened)
        told = f"{self.text}: {_described(segmenter)}"
        if (self.mean or opened.mean) is None:
            told += "; nothing says how images are normalised, so they are as for ImageNet (--mean, --std)"
        for remark in (*opened.remarks, told):
            if remark not in self._said:
                _LOG.warning("%s", remark)
                self._said.append(remark)
        return segmenter

    def files(self) -> tuple[Path, ...]:
        """Weights, the files of a folder, the user's own sources."""
        return self._known[1]

    @cached_property
    def _said(self) -> list[str]:
        """Remarks that were logged."""
        return []

    @cached_property
    def _known(self) -> tuple[str, tuple[Path, ...]]:
        """Identity and files."""
        opened = self._open()
        sources = sources_of(*(name for name in opened.modules if not is_installed(name)))
        files = (*opened.files, *sorted(set(sources.values())))
        return segmenter_identity(self._segmenter(opened), opened.modules), files

    def __str__(self) -> str:
        return self.text

    def _open(self) -> Opened:
        prefix, _, rest = self.text.partition(":")
        with torch.random.fork_rng(devices=[]):  # weights that no file fills are the same each time
            torch.manual_seed(0)
            return ORIGINS[prefix](rest, self.wanted) if prefix in ORIGINS else open_factory(self.text, self.wanted)

    def _segmenter(self, opened: Opened) -> ForeignSegmenter:
        told = dataclasses.replace(
            opened,
            mean=self.mean or opened.mean,
            std=self.std or opened.std,
            features_layer=self.features_layer or opened.features_layer,
        )
        return _around(told, self.text, self.wanted)


@dataclass(frozen=True)
class Held:
    """A segmenter that this process has built already."""

    segmenter: Segmenter

    @property
    def name(self) -> str:
        """The class of the network."""
        network = self.segmenter.network
        return network.name if isinstance(network, ForeignNetwork) else type(network).__name__

    @cached_property
    def identity(self) -> str:
        """A hash of its tensors, settings and code, as they were when first asked for."""
        return segmenter_identity(self.segmenter)

    def load(self) -> Segmenter:
        """The segmenter itself."""
        return self.segmenter.eval()

    def files(self) -> tuple[Path, ...]:
        """None."""
        return ()

    def __str__(self) -> str:
        return type(self.segmenter).__name__


def load_segmenter(
    source: str | Path | nn.Module,
    *,
    weights: str | Path | None = None,
    classes: int | str | Sequence[str] | None = None,
    features_layer: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    partial_weights: bool = False,
) -> Segmenter:
    """A segmenter in evaluation mode, from anywhere; nothing is downloaded and no code in a file of weights is run.

    Args:
        source: a checkpoint that `ood_eval train` wrote; `torchvision:NAME`; `hf:FOLDER`, a local folder of
            transformers with config.json and safetensors; `package.module:factory`, a function or class of your own
            that gives an `nn.Module`; or such a module itself.
        weights: a state dict (.pt, .pth, .ckpt, .safetensors) to fill the network with.
        classes: of the logits: their number, the name of a benchmark whose classes they are, or their names. What the
            maker says of them, if not given; counted on a small image, where nothing says.
        features_layer: name of a layer that gives penultimate features [B,D,h,w], as `backbone.layer4`.
        mean: per RGB channel of images scaled to 0..1; the maker's, or ImageNet's where nothing says.
        std: likewise.
        partial_weights: takes of `weights` what fits, and logs the rest.

    Raises:
        ConfigError: there is none of this name, or the options do not go together.
        CheckpointError: weights are missing, damaged or do not fit.
        NetworkError: the network cannot be made, or returns no logits of so many classes.
    """
    given = {"weights": weights, "classes": classes, "features layer": features_layer, "mean": mean, "std": std}
    if isinstance(source, Segmenter):
        _refuse(given | {"partial weights": partial_weights or None}, type(source).__name__, "segmenter")
        return source.eval()
    if isinstance(source, nn.Module):
        wanted = _wanted(weights, classes, partial_weights)
        if wanted.weights is not None or partial_weights:
            raise ConfigError("weights of a module that is given as such: load them into it yourself")
        opened = Opened(source, (), _three(mean, "mean"), _three(std, "std"), features_layer)
        return _around(opened, type(source).__name__, wanted)
    return segmenter_origin(
        source,
        weights=weights,
        classes=classes,
        features_layer=features_layer,
        mean=mean,
        std=std,
        partial_weights=partial_weights,
    ).load()


def segmenter_origin(
    source: str | Path,
    *,
    weights: str | Path | None = None,
    classes: int | str | Sequence[str] | None = None,
    features_layer: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    partial_weights: bool = False,
) -> Origin:
    """What `load_segmenter` would load, as a value that other processes can be given; little is looked at yet.

    Raises:
        ConfigError: the source is neither a file nor written as one of the kinds, or the options do not go together.
    """
    text = str(source)
    if isinstance(source, Path) or ":" not in text or Path(text).is_file():
        given = {"weights": weights, "classes": classes, "features layer": features_layer, "mean": mean, "std": std}
        _refuse(given | {"partial weights": partial_weights or None}, text, "checkpoint")
        return CheckpointFile(Path(source))
    if partial_weights and weights is None and not text.startswith("hf:"):
        raise ConfigError(f"{text}: partial weights are taken of a file, and none is given; name it by --weights")
    wanted = _wanted(weights, classes, partial_weights)
    return Named(text, wanted, features_layer, _three(mean, "mean"), _three(std, "std"))


def _refuse(given: Mapping[str, object], name: str, kind: str) -> None:
    if told := [option for option, value in given.items() if value is not None]:
        raise ConfigError(f"{name}: a {kind} has its own {told[0]}; give it for other networks only")


def _wanted(weights: str | Path | None, classes: int | str | Sequence[str] | None, partial: bool) -> Wanted:
    names: tuple[str, ...] = ()
    count = None
    if isinstance(classes, int):
        count = classes
    elif isinstance(classes, str):
        names, count = class_names_of(classes)
    elif classes is not None:
        names = tuple(classes)
    if len(set(names)) != len(names):
        raise ConfigError(f"classes: {next(name for name in names if names.count(name) > 1)!r} is named twice")
    if (names or count is not None) and (len(names) or count or 0) < 2:
        raise ConfigError("classes: a segmenter has at least two")
    return Wanted(None if weights is None else Path(weights), partial, names, count)


def _around(opened: Opened, name: str, wanted: Wanted) -> ForeignSegmenter:
    """The segmenter, its number of classes tried on a small image where the network takes one."""
    network = ForeignNetwork(opened.network.eval(), name, opened.features_layer)
    found = probe(network)
    names = wanted.classes or (opened.class_names if wanted.count in {None, len(opened.class_names)} else ())
    count = len(names) or wanted.count or found
    if count is None:
        raise NetworkError(f"{name}: how many classes it has was not found on a small image; say so by --classes")
    names = names or tuple(f"class {number}" for number in range(count))
    if len(set(names)) != len(names):
        raise ConfigError(f"{name}: has two classes named {next(one for one in names if names.count(one) > 1)!r}")
    segmenter = ForeignSegmenter(network, names, opened.mean or IMAGENET_MEAN, opened.std or IMAGENET_STD)
    if found is not None:
        segmenter.require_names(found)
    return segmenter


def _described(segmenter: ForeignSegmenter) -> str:
    layer = segmenter.network.features_layer
    mean, std = (", ".join(f"{x:.3f}" for x in one.flatten().tolist()) for one in (segmenter.mean, segmenter.std))
    features = f"features are of {layer}" if layer is not None else "no features (--features-layer names a layer)"
    classes = f"{len(segmenter.class_names)} classes ({', '.join(segmenter.class_names[:3])}, ...)"
    return f"{classes}; images in 0..1 less {mean}, over {std}; {features}"


def _three(values: Sequence[float] | None, name: str) -> tuple[float, ...] | None:
    if values is None:
        return None
    if len(values) != 3:
        raise ConfigError(f"{name}: takes three numbers, for red, green and blue, not {len(values)}")
    return tuple(map(float, values))
