"""What a network hands to detectors: one frozen value, made once for each image and shared by all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.errors import NetworkError
from ood_eval.networks.softmax import Softmax, top

# What a detector may read: the values of a prediction; that there is one per pixel (`map`); the images, and with them
# predictions of other images; the layers, input and gradient of the network itself.
Reading = Literal["logits", "map", "features", "queries", "images", "network"]
READINGS: Final[dict[Reading, str]] = {
    "logits": "logits",
    "map": "a prediction for every pixel",
    "features": "penultimate features",
    "queries": "class and mask queries",
    "images": "the images themselves",
    "network": "layers and gradients of the network",
}


class Network(Protocol):
    """Anything that maps u8 images to a `Prediction`: a segmenter, a mask transformer, a stranger's module."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each logit channel."""

    @property
    def gives(self) -> frozenset[Reading]:
        """What its predictions hold; `network` only where it has what `Segmenter` has."""

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """The prediction of [B,3,H,W] u8 RGB, its logits at `size`, or at the images' own."""


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """What a mask transformer predicts: class logits [B,Q,K+n] f32 and mask logits [B,Q,h,w] f32 of Q queries.

    The n last classes are of the network's own, such as "no object".
    """

    classes: Tensor
    masks: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Which images a prediction is of and which network made it, for what must run one again.

    Args:
        images: [B,3,H,W] u8 RGB on the network's device.
        network: what predicted.
        views: predictions of the same images seen otherwise, by what was done, kept so that detectors share them.
    """

    images: Tensor
    network: Network
    views: dict[Hashable, Prediction] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A batch as a network sees it; S is (H,W) where every pixel is classified, and () where whole images are.

    What several detectors derive from it is computed when first asked for, and kept.

    Args:
        logits: [B,K,*S] f32.
        features: penultimate, [B,D,*s] f32 at the network's own stride, [B,D] for whole images; D is 0 where a
            network shows none.
        queries: of a mask transformer.
        class_names: of the K logits.
        source: of what it is a prediction; None withholds images and network.

    Raises:
        NetworkError: a value is not float32, or its shape does not fit the others.
    """

    logits: Tensor
    features: Tensor
    queries: Queries | None = None
    class_names: tuple[str, ...] = ()
    source: Source | None = None

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def of(cls, network: Network, images: Tensor) -> Prediction:
        """What a network predicts of [B,3,H,W] u8 RGB images; the only place that runs it for detectors.

        Raises:
            NetworkError: the images are not such, or the prediction is not one of them.
        """
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
            raise NetworkError(f"images must be [B,3,H,W] uint8, not {tuple(images.shape)} {images.dtype}")
        with torch.inference_mode():
            found = network.predict(images)
        if len(found.logits) != len(images) or (found.is_map and found.size != images.shape[2:]):
            raise NetworkError(
                f"{type(network).__name__} predicts logits {tuple(found.logits.shape)} of images {tuple(images.shape)}"
            )
        return dataclasses.replace(found, class_names=network.class_names, source=Source(images, network))

    @property
    def size(self) -> torch.Size:
        """S: height and width of the logits, or nothing."""
        return self.logits.shape[2:]

    @property
    def is_map(self) -> bool:
        """Whether every pixel is classified."""
        return self.logits.ndim == 4

    @property
    def gives(self) -> frozenset[Reading]:
        """What a detector can read of it."""
        there: dict[Reading, bool] = {
            "logits": True,
            "map": self.is_map,
            "features": self.features.shape[1] > 0,
            "queries": self.queries is not None,
            "images": self.source is not None,
            "network": self.source is not None and "network" in self.source.network.gives,
        }
        return frozenset(reading for reading, given in there.items() if given)

    @cached_property
    def log_probabilities(self) -> Tensor:
        """Log softmax of the logits, [B,K,*S] f32."""
        with torch.inference_mode():
            return self.logits.log_softmax(dim=1)

    @cached_property
    def softmax(self) -> Softmax:
        """What is read off the softmax of the logits: log of the sum, 1 - max p, entropy."""
        return Softmax.of(self.logits)

    @cached_property
    def highest(self) -> Tensor:
        """Highest logit, [B,*S] f32."""
        with torch.inference_mode():
            return self.logits.amax(dim=1)

    @cached_property
    def top(self) -> tuple[Tensor, Tensor]:
        """Highest logit [B,*S] f32 and its channel [B,*S] i64, the first of equals."""
        return top(self.logits)

    @property
    def images(self) -> Tensor:
        """[B,3,H,W] u8 RGB.

        Raises:
            NetworkError: they are withheld.
        """
        return self._source.images

    @property
    def network(self) -> Network:
        """What predicted.

        Raises:
            NetworkError: it is withheld.
        """
        return self._source.network

    def view(self, key: Hashable, network: Network, images: Tensor) -> Prediction:
        """The prediction by another network or of other images, made once for all that ask for this key.

        Raises:
            NetworkError: images and network are withheld.
        """
        views = self._source.views
        if key not in views:
            views[key] = Prediction.of(network, images)
        return views[key]

    def at_logit_size(self, values: Tensor) -> Tensor:
        """Values [B,C,*s] at the stride of the features as [B,C,*S] f32."""
        return resized_maps(values, self.size)

    def logits_at(self, size: tuple[int, ...]) -> Tensor:
        """The logits at another size, [B,K,H,W] f32."""
        return resized_maps(self.logits, size)

    @property
    def _source(self) -> Source:
        if self.source is None:
            raise NetworkError("this prediction withholds images and network; a detector that reads them must say so")
        return self.source


def resized_maps(values: Tensor, size: tuple[int, ...]) -> Tensor:
    """Maps [B,C,h,w] as f32 at a size, bilinearly without aligned corners; values of whole images as they are.

    Source: CSAIL semantic-segmentation-pytorch, whose evaluation resizes logits before the softmax.
    """
    if values.ndim == 2:
        return values.float()
    if values.shape[1] == 0:
        return values.new_zeros((len(values), 0, *size), dtype=torch.float32)
    # Channel by channel in memory: whatever is then computed over the channels is vectorised.
    return interpolate(values.float().contiguous(), size=tuple(size), mode="bilinear", align_corners=False)


def images_from_rgb(*images: NDArray[np.uint8]) -> Tensor:
    """A batch [B,3,H,W] u8 of [H,W,3] u8 pictures of equal size."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _check(prediction: Prediction) -> None:
    """Refuses what is no prediction."""
    logits, features, queries = prediction.logits, prediction.features, prediction.queries
    shapes = {"logits": logits, "features": features}
    if queries is not None:
        shapes |= {"class queries": queries.classes, "mask queries": queries.masks}
    for name, value in shapes.items():
        if value.dtype != torch.float32:
            raise NetworkError(f"a prediction's {name} must be float32, not {value.dtype}")
        if len(value) != len(logits):
            raise NetworkError(f"a prediction has logits of {len(logits)} images and {name} of {len(value)}")
    if logits.ndim not in {2, 4} or features.ndim != logits.ndim:
        raise NetworkError(
            f"logits and features must both be [B,K,H,W] or both [B,K], not {tuple(logits.shape)} and "
            f"{tuple(features.shape)}"
        )
    if prediction.class_names and len(prediction.class_names) != logits.shape[1]:
        raise NetworkError(f"a prediction has {logits.shape[1]} logits and {len(prediction.class_names)} class names")
    if queries is not None and (
        queries.classes.ndim != 3
        or queries.masks.ndim != 4
        or queries.classes.shape[1] != queries.masks.shape[1]
        or queries.classes.shape[2] < logits.shape[1]
    ):
        raise NetworkError(
            f"queries must be [B,Q,K or more] and [B,Q,h,w], not {tuple(queries.classes.shape)} and "
            f"{tuple(queries.masks.shape)} for {logits.shape[1]} classes"
        )
