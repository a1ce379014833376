"""A segmenter around any torch module: what it returns is recognised, features are read off a layer."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ood_eval.errors import ConfigError, NetworkError
from ood_eval.networks.outputs import logits_of
from ood_eval.networks.prediction import Prediction, Queries, Reading, resized_maps
from ood_eval.networks.segmenter import IMAGENET_MEAN, IMAGENET_STD, Segmenter


class ForeignNetwork(nn.Module):
    """A stranger's module with the call of `SegmentationNetwork`.

    Args:
        inner: normalised images [B,3,H,W] f32 in, anything that `logits_of` knows out.
        name: for messages.
        features_layer: the layer whose output [B,D,h,w] is the features, as `backbone.layer4`; None gives none.

    Raises:
        ConfigError: there is no such layer.
    """

    def __init__(self, inner: nn.Module, name: str, features_layer: str | None = None) -> None:
        super().__init__()
        self.inner, self._name, self.features_layer = inner, name, features_layer
        if features_layer is not None:
            _require_layer(inner, features_layer, name)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._name

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """[B,3,H,W] to logits [B,K,h,w], features [B,D,h,w] (D is 0 without a layer), and None."""
        logits, features, _ = self.parts(images)
        return logits, features, None

    def parts(self, images: Tensor) -> tuple[Tensor, Tensor, Queries | None]:
        """Logits, features and queries of normalised images, f32.

        Raises:
            NetworkError: the network fails, or returns something else; the message says where in its code.
        """
        seen: list[Any] = []
        layer = None if self.features_layer is None else self.inner.get_submodule(self.features_layer)
        hook = None if layer is None else layer.register_forward_hook(lambda *call: seen.append(call[2]))
        try:
            output = self.inner(images)
        except Exception as error:  # whatever a stranger's code may raise
            raise NetworkError(f"{self.name} fails on images {list(images.shape)}: {_reason(error)}") from error
        finally:
            if hook is not None:
                hook.remove()
        logits, queries = logits_of(output, self.name)
        if len(logits) != len(images):
            raise NetworkError(f"{self.name} returns logits of {len(logits)} images for {len(images)}")
        if layer is None:
            return logits, logits[:, :0], queries
        return logits, self._features(seen, len(images)), queries

    def _features(self, seen: list[Any], images: int) -> Tensor:
        found = seen[-1] if seen else None
        if isinstance(found, (tuple, list)) and found:
            found = found[0]
        if not isinstance(found, Tensor) or found.ndim != 4 or len(found) != images:
            told = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            why = f"gives {told}, not [B,D,h,w]" if seen else "was not run"
            raise NetworkError(f"{self.name}: features layer {self.features_layer!r} {why}; name another")
        return found.float()


class ForeignSegmenter(Segmenter):
    """A stranger's network as a segmenter, in evaluation mode.

    Logits at a lower resolution are upsampled bilinearly, without aligned corners, before anything is read off them.

    Args:
        network: with its weights.
        class_names: name of each logit channel.
        mean: per RGB channel, of images scaled to 0..1.
        std: likewise.

    Raises:
        ConfigError: no class names, or a mean or deviation that has not three values.
    """

    network: ForeignNetwork

    def __init__(
        self,
        network: ForeignNetwork,
        class_names: Sequence[str],
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__(network, class_names, mean, std)
        absent: set[Reading] = set() if network.features_layer is not None else {"features"}
        self.gives = Segmenter.gives - absent
        self.eval()

    def normalise(self, images: Tensor) -> Tensor:
        """[B,3,H,W] u8 RGB to the f32 input of the network, in torch's usual order of memory."""
        return (images.float() / 255.0 - self.mean) / self.std

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """The prediction of [B,3,H,W] u8 images, with logits at their size or another; features at its stride.

        Raises:
            NetworkError: the network fails, or predicts another number of classes than it has names.
        """
        logits, features, queries = self.network.parts(self.normalise(images))
        self.require_names(logits.shape[1])
        fine = resized_maps(logits, size if size is not None else images.shape[2:])
        return Prediction(fine, features, queries, class_names=self.class_names)

    def require_names(self, classes: int) -> None:
        """Refuses another number of logits than of names.

        Raises:
            NetworkError: the numbers differ.
        """
        if classes != len(self.class_names):
            names = ", ".join(self.class_names[:3])
            raise NetworkError(
                f"{self.network.name} predicts {classes} logits, but {len(self.class_names)} class names are given for "
                f"it ({names}, ...); give as many by --classes"
            )


def probe(network: ForeignNetwork) -> int | None:
    """The number of logits that a network predicts, found on a small image; None where it takes no image so small.

    Raises:
        NetworkError: what it returns has no logits, or the features layer no features.
    """
    images = torch.zeros(1, 3, 64, 96)
    try:
        with torch.inference_mode():
            return int(network(images)[0].shape[1])
    except NetworkError as error:
        if error.__cause__ is None:
            raise
        return None


def _require_layer(inner: nn.Module, layer: str, name: str) -> None:
    names = [key for key, _ in inner.named_modules() if key]
    if layer not in names:
        near = difflib.get_close_matches(layer, names, n=3) or names[-3:]
        raise ConfigError(f"{name}: has no layer {layer!r} to read features off; there are {', '.join(near)}, ...")


def _reason(error: Exception) -> str:
    """Kind, first line, and the last place in code that is not installed, or else the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames[1:] if "site-packages" not in frame.filename] or frames
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''} ({Path(own[-1].filename).name}:{own[-1].lineno})"
