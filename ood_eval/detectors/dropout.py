"""MC dropout: how much the posterior varies when dropout stays awake."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.networks.dropout import awake_dropout
from ood_eval.networks.forward import Forward


class Dropout(Detector):
    """s = (1/C) sum_c Var_t p_c over passes t with dropout awake; batch norm stays in evaluation.

    A network with `classify` (dropout and classifier on the shared features) repeats only that; any other runs whole.
    Every image sees the same seeded masks, alone or in a batch.

    Source: Gal and Ghahramani 2016 (https://arxiv.org/abs/1506.02142); Hendrycks et al. 2022 section 5.1 (variance
    averaged over classes); 30 passes as pytorch-ood.

    Args:
        passes: at least 2.
        seed: of the masks.

    Raises:
        ConfigError: fewer than two passes.
    """

    requires = frozenset({"dropout"})
    shares_pass = False

    def __init__(self, passes: int = 30, seed: int = 0) -> None:
        super().__init__()
        if passes < 2:
            raise ConfigError(f"dropout: a variance needs at least 2 passes, not {passes}")
        self.passes, self.seed = passes, seed

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..0.25."""
        return torch.cat([self._variance(forward, index) for index in range(len(forward.images))])

    def _variance(self, forward: Forward, index: int) -> Tensor:
        """[1,H,W] of one image, by Welford's update, so that memory does not grow with the passes."""
        segmenter = forward.segmenter
        image = forward.images[index : index + 1]
        classify = getattr(segmenter.network, "classify", None)
        # Before dropout wakes: the shared pass is without it.
        features = forward.output.features[index : index + 1] if classify is not None else None
        mean = squares = torch.zeros((), device=image.device)
        with torch.inference_mode(), awake_dropout(segmenter.network, image.device, self.seed):
            for number in range(1, self.passes + 1):
                coarse = classify(features) if classify is not None else segmenter(image)[0]
                p = forward.upsample(coarse).softmax(dim=1)
                step = p - mean
                mean = mean + step / number
                squares = squares + step * (p - mean)
            return (squares / self.passes).mean(dim=1)
