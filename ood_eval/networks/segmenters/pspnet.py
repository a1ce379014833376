"""PSPNet: a dilated encoder, pyramid pooling on its last stage, and an auxiliary head for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from torch import Tensor, nn

from ood_eval.networks.config import Normalisation
from ood_eval.networks.encoder import build_encoder
from ood_eval.networks.encoder_weights import load_encoder_weights

PyramidName = Literal["pspnet", "pspnet_short"]


@dataclass(frozen=True, slots=True)
class PyramidConfig:
    """What decides a PSPNet's weights' shapes.

    `pspnet` pools the last encoder stage at `output_stride` (the paper's); `pspnet_short` pools the third stage and
    drops the rest of the encoder (the default depth of segmentation-models-pytorch).

    Args:
        kind: which of the two.
        encoder: encoder name, for example resnet101 or efficientnet_lite0.
        output_stride: 8 or 16; `pspnet_short` is at 8 by its depth.
        channels: width of the penultimate features.
        dropout: share of feature maps dropped before the classifier.
        auxiliary: whether a second head on the stage before the last helps training.
    """

    kind: PyramidName = "pspnet"
    encoder: str = "resnet101"
    output_stride: Literal[8, 16] = 8
    channels: int = 512
    dropout: float = 0.1
    auxiliary: bool = True

    def build(self, classes: int) -> PyramidNetwork:
        """A network with random weights."""
        return PyramidNetwork(self, classes)

    def load_weights(self, network: nn.Module, weights: str) -> Normalisation:
        """Fills the encoder."""
        return load_encoder_weights(cast("nn.Module", network.encoder), self.encoder, weights)


class PyramidNetwork(nn.Module):
    """Encoder, pyramid pooling and classifier, with the call of `SegmentationNetwork`.

    The pooled features go through segmentation-models-pytorch's decoder (a 1x1 reduction where Zhao et al. have 3x3)
    and a 3x3 classifier. Its dilation treats all blocks of a stage alike; CSAIL's halves it in the first block.

    Source: Zhao et al. 2017 (https://arxiv.org/abs/1612.01105), sections 3.2 and 3.3 (auxiliary loss).

    Args:
        config: the shape of the network.
        classes: logit channels.

    Raises:
        ConfigError: the encoder is unknown or cannot be dilated.
    """

    def __init__(self, config: PyramidConfig, classes: int) -> None:
        super().__init__()
        from segmentation_models_pytorch.base import SegmentationHead
        from segmentation_models_pytorch.decoders.pspnet.decoder import PSPDecoder

        short = config.kind == "pspnet_short"
        self.encoder = build_encoder(config.encoder, depth=3 if short else 5, output_stride=config.output_stride)
        widths = cast("list[int]", self.encoder.out_channels)
        self.decoder = PSPDecoder(
            encoder_channels=widths, use_norm="batchnorm", out_channels=config.channels, dropout=config.dropout
        )
        self.head = SegmentationHead(in_channels=config.channels, out_channels=classes, kernel_size=3, upsampling=1)
        self.auxiliary = _auxiliary_head(widths[-2], classes, config.dropout) if config.auxiliary else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """[B,3,H,W] to logits [B,K,h,w], features [B,D,h,w] and, in training only, auxiliary logits."""
        stages = self.encoder(images)
        features: Tensor = self.decoder(stages)
        helper = self.auxiliary(stages[-2]) if self.auxiliary is not None and self.training else None
        return self.head(features), features, helper

    def classify(self, features: Tensor) -> Tensor:
        """Dropout and classifier on penultimate features [B,D,h,w] of evaluation: what MC dropout repeats."""
        return cast("Tensor", self.head(self.decoder.dropout(features)))


def _auxiliary_head(width: int, classes: int, dropout: float) -> nn.Module:
    middle = max(width // 4, 16)
    return nn.Sequential(
        nn.Conv2d(width, middle, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(middle),
        nn.ReLU(inplace=True),
        nn.Dropout2d(dropout),
        nn.Conv2d(middle, classes, kernel_size=1),
    )
