"""Mahalanobis: distance of features to the nearest class mean under one shared covariance."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.datasets.sample import VOID
from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks.prediction import Prediction


class Mahalanobis(Detector):
    """s = min_k (f - mu_k)^T Sigma^-1 (f - mu_k) on penultimate features, upsampled to image size.

    Sigma is shared and regularised by `ridge` times its mean variance, then factorised once (Cholesky), so a score is
    a squared length of whitened features.

    Reads features, and the training split with its labels before.

    Source: Lee et al. 2018 (https://arxiv.org/abs/1807.03888) equations 1 and 2, without input perturbation.

    Args:
        ridge: share of the mean variance that is added to the diagonal.

    Raises:
        ConfigError: the ridge is not above zero.
    """

    reads = frozenset({"features"})
    fit_split = "training"

    def __init__(self, ridge: float = 1e-3) -> None:
        super().__init__()
        if not ridge > 0:
            raise ConfigError(f"mahalanobis: the ridge must be above zero, not {ridge:g}")
        self.ridge = ridge
        self.counts: Tensor = torch.zeros(0, dtype=torch.float64)
        self.sums: Tensor = torch.zeros(0, 0, dtype=torch.float64)
        self.products: Tensor = torch.zeros(0, 0, dtype=torch.float64)

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        """Adds features under their true class; void labels do not count."""
        features = prediction.features
        classes, width = prediction.logits.shape[1], features.shape[1]
        coarse = labels.long().reshape(-1)
        if features.ndim == 4:
            size = (features.shape[2], features.shape[3])
            coarse = interpolate(labels[:, None].float(), size=size, mode="nearest-exact")[:, 0].long().reshape(-1)
        keep = coarse != VOID
        flat = features.movedim(1, -1).reshape(-1, width)[keep].cpu().double()
        true = coarse[keep].cpu()
        if self.counts.numel() == 0:
            self.counts = torch.zeros(classes, dtype=torch.float64)
            self.sums = torch.zeros(classes, width, dtype=torch.float64)
            self.products = torch.zeros(width, width, dtype=torch.float64)
        self.counts = self.counts + torch.bincount(true, minlength=classes).double()
        self.sums = self.sums.index_add(0, true, flat)
        self.products = self.products + flat.T @ flat

    def finish(self) -> None:
        """Prepares the whitening matrix and the whitened class means.

        Raises:
            DetectorError: no labelled pixel was observed.
        """
        if not bool((self.counts > 0).any()):
            raise DetectorError("mahalanobis: saw no labelled pixel; its training split must have class labels")
        self._prepare()
        super().finish()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave."""
        super().restore(state)
        self._prepare()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, at least 0."""
        features = prediction.features
        device = features.device
        with torch.inference_mode():
            centred = features - _along_channels(self._centre.to(device), features)
            white = torch.einsum("bd...,ed->be...", centred, self._whitening.to(device))
            means = self._means.to(device)
            lengths = (white**2).sum(dim=1, keepdim=True)
            cross = torch.einsum("be...,ke->bk...", white, means)
            distances = lengths - 2.0 * cross + _along_channels((means**2).sum(dim=1), cross)
            return prediction.at_logit_size(distances.amin(dim=1, keepdim=True).clamp_min(0.0))[:, 0]

    def state(self) -> dict[str, Tensor]:
        """Pixels per class [K], feature sums per class [K,D] and the sum of outer products [D,D], f64."""
        return {"counts": self.counts, "sums": self.sums, "products": self.products}

    def _prepare(self) -> None:
        seen = self.counts > 0
        # Lengths are taken from the middle of all features: squares of a large common part would drown the rest.
        centre = self.sums.sum(dim=0) / self.counts.sum().clamp_min(1.0)
        means = self.sums[seen] / self.counts[seen, None] - centre
        scatter = self.products - (self.sums[seen].T / self.counts[seen]) @ self.sums[seen]
        covariance = scatter / self.counts.sum().clamp_min(1.0)
        variance = covariance.diagonal().mean().clamp_min(1e-12)
        covariance = covariance + torch.eye(len(covariance), dtype=torch.float64) * variance * self.ridge
        factor = torch.linalg.cholesky(covariance)
        whitening = torch.linalg.solve_triangular(factor, torch.eye(len(factor), dtype=torch.float64), upper=False)
        self._whitening, self._centre = whitening.float(), centre.float()
        self._means = (means @ whitening.T).float()


def _along_channels(values: Tensor, like: Tensor) -> Tensor:
    """[C] as [1,C,1,...] with as many dimensions as `like`."""
    return values.view(1, -1, *[1] * (like.ndim - 2))
