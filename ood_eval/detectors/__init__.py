"""Out-of-distribution detectors: one method, one file or folder, one formula."""

from typing import Final

from ood_eval.detectors.ae import AE
from ood_eval.detectors.background import Background
from ood_eval.detectors.branch import Branch
from ood_eval.detectors.centre_prior import CentrePrior
from ood_eval.detectors.check import check_detector
from ood_eval.detectors.crf import CRF
from ood_eval.detectors.detector import Detector, trained_parts
from ood_eval.detectors.dropout import Dropout
from ood_eval.detectors.energy import Energy
from ood_eval.detectors.entropy import Entropy
from ood_eval.detectors.isolation_forest import IsolationForest
from ood_eval.detectors.kl_matching import KLMatching
from ood_eval.detectors.knn import KNN
from ood_eval.detectors.load import build_detector, detector_class, detector_title
from ood_eval.detectors.lof import LOF
from ood_eval.detectors.logit_avg import LogitAvg
from ood_eval.detectors.mahalanobis import Mahalanobis
from ood_eval.detectors.maxlogit import MaxLogit
from ood_eval.detectors.msp import MSP
from ood_eval.detectors.naming import detector_label
from ood_eval.detectors.odin import ODIN
from ood_eval.detectors.saturation import Saturation
from ood_eval.detectors.standardized_max_logits import StandardizedMaxLogits

# First the rows of CAOS table 4, in its order; last what knows no network, to compare with.
DETECTORS: Final[dict[str, type[Detector]]] = {
    "msp": MSP,
    "branch": Branch,
    "background": Background,
    "dropout": Dropout,
    "ae": AE,
    "maxlogit": MaxLogit,
    "energy": Energy,
    "entropy": Entropy,
    "logit_avg": LogitAvg,
    "kl_matching": KLMatching,
    "standardized_max_logits": StandardizedMaxLogits,
    "mahalanobis": Mahalanobis,
    "knn": KNN,
    "isolation_forest": IsolationForest,
    "lof": LOF,
    "odin": ODIN,
    "crf": CRF,
    "centre_prior": CentrePrior,
    "saturation": Saturation,
}

__all__ = [
    "DETECTORS",
    "Detector",
    "build_detector",
    "check_detector",
    "detector_class",
    "detector_label",
    "detector_title",
    "trained_parts",
]
