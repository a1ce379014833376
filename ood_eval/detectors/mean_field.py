"""Mean-field inference in a fully connected CRF, by products with small Gaussian matrices."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad


@dataclass(frozen=True, slots=True)
class PairwiseKernel:
    """k(i,j) = exp(-|x_i - x_j|^2 / 2 sigma^2 - |p_i - p_j|^2 / 2 theta^2), x pixel places, p posteriors.

    Args:
        sigma: in pixels.
        theta: in probability; None leaves the second term out. It must be at least 2, where the kernel's dependence on
            p is linear to within 3 %: exp(p_i . p_j / theta^2) is taken as 1 + p_i . p_j / theta^2.
        cell: kernels are summed over cells of so many pixels in each direction; 1 is exact.
    """

    sigma: float
    theta: float | None
    cell: int


def mean_field(
    log_p: Tensor, kernel: PairwiseKernel, compatibility: float, iterations: int, tolerance: float
) -> Tensor:
    """Log of the approximate marginals [K,H,W] f32 of a CRF with unary energies -log_p and a Potts pairwise term.

    Q_i(l) is proportional to exp(log_p_i(l) + w sum_j n_i k(i,j) n_j Q_j(l)), n_i = (sum_j k(i,j))^-1/2; each pixel is
    its own neighbour too, as in the authors' code. It stops when no Q changes by more than `tolerance`.

    Source: Krähenbühl and Koltun 2011 (https://arxiv.org/abs/1210.5644) algorithm 1, with the symmetric normalisation
    of Krähenbühl and Koltun 2013.

    Args:
        log_p: log posteriors [K,H,W] f32.
        kernel: of the pairwise term.
        compatibility: w.
        iterations: at most.
        tolerance: in probability.
    """
    log_q, q = log_p, log_p.exp()
    messages = _Messages(q, kernel)
    for _ in range(iterations):
        log_q = messages(q).mul_(compatibility).add_(log_p).log_softmax(dim=0)
        before, q = q, log_q.exp()
        if float(before.sub_(q).abs_().amax()) <= tolerance:
            break
    return log_q


class _Messages:
    """sum_j n_i k(i,j) n_j Q_j of one image, summed over cells and interpolated between them."""

    def __init__(self, p: Tensor, kernel: PairwiseKernel) -> None:
        self._size, self._cell = (p.shape[1], p.shape[2]), kernel.cell
        guide = self._splat(p)
        # Pixels per cell: cells at the edge hold fewer.
        self._pixels = self._splat(torch.ones_like(p[:1]))
        means = guide / self._pixels
        theta = kernel.theta
        if theta is None:
            self._guide = torch.ones_like(self._pixels)
        else:
            own = torch.exp(-0.5 * means.square().sum(dim=0, keepdim=True) / theta**2)
            self._guide = own * torch.cat([torch.ones_like(own), means / theta])
        # Averaging over a cell and interpolating between cells widen the kernel, which is narrowed by as much.
        widened = 0.25 * (self._cell**2 - 1) / self._cell**2
        sigma = max((kernel.sigma / self._cell) ** 2 - widened, 0.04) ** 0.5
        self._down, self._across = (_gaussian_matrix(length, sigma).to(p) for length in guide.shape[1:])
        self._norm = self._summed(self._pixels).clamp_min(1e-20).rsqrt()

    def __call__(self, q: Tensor) -> Tensor:
        coarse = self._norm * self._summed(self._norm * self._splat(q))
        return self._slice(coarse)

    def _summed(self, values: Tensor) -> Tensor:
        """sum_J k(I,J) v_J over cells J of values [L,h,w], each the sum over its pixels."""
        terms = self._guide[:, None] * values[None]
        return (self._guide[:, None] * (self._down @ terms @ self._across)).sum(dim=0)

    def _splat(self, values: Tensor) -> Tensor:
        """Sums over cells of [L,H,W]."""
        rows, columns = self._size
        padded = pad(values, (0, -columns % self._cell, 0, -rows % self._cell))
        return avg_pool2d(padded, self._cell) * self._cell**2

    def _slice(self, coarse: Tensor) -> Tensor:
        """[L,h,w] over cells to [L,H,W] over pixels."""
        if self._cell == 1:
            return coarse
        size = (coarse.shape[1] * self._cell, coarse.shape[2] * self._cell)
        fine = interpolate(coarse[None], size=size, mode="bilinear", align_corners=False)[0]
        return fine[:, : self._size[0], : self._size[1]]


def _gaussian_matrix(length: int, sigma: float) -> Tensor:
    """exp(-(i - j)^2 / 2 sigma^2), [length,length] f32."""
    places = torch.arange(length, dtype=torch.float32)
    return torch.exp(-0.5 * ((places[:, None] - places[None]) / sigma).square())
