"""MC dropout: how much the posterior varies when dropout stays awake."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks.dropout import awake_dropout, dropout_layers
from ood_eval.networks.prediction import Network, Prediction
from ood_eval.networks.segmenter import Segmenter


class Dropout(Detector):
    """s = (1/C) sum_c Var_t p_c over passes t with dropout awake; batch norm stays in evaluation.

    A network with `classify` (dropout and classifier on the shared features) repeats only that; any other runs whole.
    Every image sees the same seeded masks, alone or in a batch.

    Reads features, images and the network, which must have a dropout layer.

    Source: Gal and Ghahramani 2016 (https://arxiv.org/abs/1506.02142); Hendrycks et al. 2022 section 5.1 (variance
    averaged over classes); 30 passes as pytorch-ood.

    Args:
        passes: at least 2.
        seed: of the masks.

    Raises:
        ConfigError: fewer than two passes.
    """

    reads = frozenset({"features", "images", "network"})

    def __init__(self, passes: int = 30, seed: int = 0) -> None:
        super().__init__()
        if passes < 2:
            raise ConfigError(f"dropout: a variance needs at least 2 passes, not {passes}")
        self.passes, self.seed = passes, seed

    def check_network(self, network: Network) -> None:
        """Refuses a network without dropout layers.

        Raises:
            DetectorError: the network has no dropout layer, or withholds its layers.
        """
        super().check_network(network)
        if not dropout_layers(cast("Segmenter", network)):
            raise DetectorError("Dropout repeats dropout, and this network has no dropout layer")

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32 in 0..0.25."""
        self.check_network(prediction.network)
        return torch.cat([self._variance(prediction, index) for index in range(len(prediction.images))])

    def _variance(self, prediction: Prediction, index: int) -> Tensor:
        """[1,*S] of one image, by Welford's update, so that memory does not grow with the passes."""
        segmenter = cast("Segmenter", prediction.network)
        image = prediction.images[index : index + 1]
        classify = getattr(segmenter.network, "classify", None)
        # Before dropout wakes: the shared pass is without it.
        features = prediction.features[index : index + 1]
        mean = squares = torch.zeros((), device=image.device)
        with torch.inference_mode(), awake_dropout(segmenter.network, image.device, self.seed):
            for number in range(1, self.passes + 1):
                coarse = classify(features) if classify is not None else segmenter(image)[0]
                p = prediction.at_logit_size(coarse).softmax(dim=1)
                step = p - mean
                mean = mean + step / number
                squares = squares + step * (p - mean)
            return (squares / self.passes).mean(dim=1)
