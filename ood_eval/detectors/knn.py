"""kNN: distance of a feature to its k-th nearest neighbour among training features."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.models.forward import Forward


class KNN(Detector):
    """s = distance of the normalised penultimate feature to its k-th nearest in a bank of training features.

    The bank keeps `per_image` features of each image at seeded places, and at most `bank` of all, thinned evenly.

    Source: Sun et al. 2022 (https://arxiv.org/abs/2204.06507) section 3.

    Args:
        k: which neighbour.
        per_image: features kept of each image.
        bank: most features kept.
        seed: of the places.

    Raises:
        ConfigError: a count is below one.
    """

    fit_split = "training"

    def __init__(self, k: int = 10, per_image: int = 64, bank: int = 8192, seed: int = 0) -> None:
        super().__init__()
        if min(k, per_image, bank) < 1:
            raise ConfigError(f"knn: k, per_image and bank must be at least 1, not {k}, {per_image}, {bank}")
        self.k, self.per_image, self.bank_size = k, per_image, bank
        self._places = torch.Generator().manual_seed(seed)
        self.bank: Tensor = torch.zeros(0, 0)

    def observe(self, forward: Forward, labels: Tensor) -> None:  # noqa: ARG002
        """Keeps features at random places; labels are not used."""
        features = normalize(forward.output.features, dim=1).flatten(2).transpose(1, 2).cpu()
        kept = [one[torch.randperm(len(one), generator=self._places)[: self.per_image]] for one in features]
        self.bank = torch.cat([*([self.bank] if self.bank.numel() else []), *kept])

    def finish(self) -> None:
        """Thins the bank to its size."""
        if len(self.bank) > self.bank_size:
            steps = torch.linspace(0, len(self.bank) - 1, self.bank_size).long()
            self.bank = self.bank[steps].contiguous()
        super().finish()

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..2."""
        with torch.inference_mode():
            features = normalize(forward.output.features, dim=1)
            batch, width, height, columns = features.shape
            flat = features.permute(0, 2, 3, 1).reshape(batch * height * columns, width)
            bank = self.bank.to(flat.device)
            nearest = [
                (part @ bank.T).topk(min(self.k, len(bank)), dim=1).values[:, -1] for part in torch.split(flat, 4096)
            ]
            distance = (2.0 - 2.0 * torch.cat(nearest)).clamp_min(0.0).sqrt()
            return forward.upsample(distance.reshape(batch, 1, height, columns))[:, 0]

    def state(self) -> dict[str, Tensor]:
        """The bank, [N,D] f32."""
        return {"bank": self.bank}
