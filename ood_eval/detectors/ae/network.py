"""A convolutional autoencoder with a spatial code, that learns to reconstruct what training images show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

_WIDTHS: Final = (32, 64, 128, 256)


class Autoencoder(nn.Module):
    """Four halvings to a code with height and width, four doublings back, batch norm throughout.

    The paper says "4-layer U-Net with a spatial latent code" and has no public code. It is read as Baur et al. do:
    the shape of a U-Net without its skip connections, as with them the network would copy its input past the code.

    Source: Hendrycks et al. 2022 section 5.1; Baur et al. 2018 (https://arxiv.org/abs/1804.04488) section 2.2.

    Args:
        widths: channels after each halving.
        code: channels of the code.
    """

    def __init__(self, widths: Sequence[int] = _WIDTHS, code: int = 64) -> None:
        super().__init__()
        self.widths, self.code = tuple(widths), code
        down = [_halving(before, after) for before, after in zip((3, *self.widths), self.widths, strict=False)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(self.widths[-1], code, kernel_size=1))
        back = self.widths[::-1]
        up = [_doubling(before, after) for before, after in zip((code, *back), back, strict=False)]
        self.decoder = nn.Sequential(*up, nn.Conv2d(back[-1], 3, kernel_size=3, padding=1), nn.Sigmoid())

    def forward(self, images: Tensor) -> Tensor:
        """[B,3,H,W] f32 in 0..1 to its reconstruction of the same size; edges are replicated to whole code cells."""
        height, width = images.shape[2:]
        cell = 2 ** len(self.widths)
        padded = pad(images, (0, -width % cell, 0, -height % cell), mode="replicate")
        return cast("Tensor", self.decoder(self.encoder(padded)))[:, :, :height, :width]


def unit_images(images: Tensor) -> Tensor:
    """[B,3,H,W] u8 to f32 in 0..1, channels last: the input of the autoencoder."""
    return (images.float() / 255.0).contiguous(memory_format=torch.channels_last)


def _halving(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _doubling(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.LeakyReLU(0.2, inplace=True),
    )
