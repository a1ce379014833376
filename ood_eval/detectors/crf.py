"""CRF: the posterior after inference in a fully connected random field."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.mean_field import PairwiseKernel, mean_field
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction
from ood_eval.networks.softmax import Softmax

KernelName = Literal["bilateral", "gaussian"]


class CRF(Detector):
    """s = 1 - max_c Q_c, Q the mean-field marginals of a dense CRF whose unary terms are the softmax.

    `bilateral` couples pixels that are near and have alike posteriors (sigma 10 pixels, theta 13, weight 10);
    `gaussian` those that are near (sigma 3, weight 3). Both are the settings of the released code. It filters on a
    permutohedral lattice in C++ (pydensecrf, of which PyPI has sources only); here the kernels are summed over
    cells, which is the plain sum over all pairs at `cell` 1.

    Reads logits, of maps only.

    Source: hendrycks/anomaly-seg, eval_ood.py; Krähenbühl and Koltun 2011 (https://arxiv.org/abs/1210.5644).

    Args:
        kernel: bilateral or gaussian.
        sigma: in pixels; the kernel's published value, if not given.
        theta: of the bilateral kernel, in probability, at least 2.
        weight: of the pairwise term; the kernel's published value, if not given.
        iterations: at most; fewer when nothing changes by more than `tolerance`.
        tolerance: in probability.
        cell: pixels per cell; two thirds of sigma at most, if not given.

    Raises:
        ConfigError: an argument is outside its range.
    """

    reads = frozenset({"logits", "map"})

    def __init__(
        self,
        kernel: KernelName = "bilateral",
        sigma: float | None = None,
        theta: float = 13.0,
        weight: float | None = None,
        iterations: int = 100,
        tolerance: float = 1e-3,
        cell: int | None = None,
    ) -> None:
        super().__init__()
        if kernel not in get_args(KernelName):
            raise ConfigError(f"crf: kernel={kernel} is not one of {', '.join(get_args(KernelName))}")
        published = 10.0 if kernel == "bilateral" else 3.0
        sigma = published if sigma is None else sigma
        cell = max(int(sigma / 1.5), 1) if cell is None else cell
        if not sigma > 0 or theta < 2 or iterations < 1 or cell < 1:
            raise ConfigError(f"crf: needs sigma > 0, theta >= 2, iterations and cell >= 1, not {sigma}, {theta}, ...")
        self.kernel = PairwiseKernel(sigma, theta if kernel == "bilateral" else None, cell)
        self.weight = published if weight is None else weight
        self.iterations, self.tolerance = iterations, tolerance

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        with torch.inference_mode():
            # One image at a time: when to stop must not depend on the others of a batch.
            log_q = torch.stack(
                [mean_field(one, self.kernel, self.weight, self.iterations, self.tolerance)
                 for one in prediction.log_probabilities]
            )  # fmt: skip
            return Softmax.of(log_q).others
