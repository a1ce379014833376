"""Branch: a learnt confidence, beside the classifier; its score, network, loss and recipe."""

from ood_eval.detectors.branch.detector import Branch

__all__ = ["Branch"]
