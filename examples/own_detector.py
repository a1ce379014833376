"""A detector of one's own: write it, check it against the contract, score it beside others.

    python examples/own_detector.py

Then, in the folder where this file lies, on a set and a run of yours:

    ood_eval run-caos --data data/first --preset small --out runs/first --detectors msp own_detector:Margin
"""

# --8<-- [start:detector]
import torch
from torch import Tensor

from ood_eval.detectors import Detector
from ood_eval.networks import Prediction


class Margin(Detector):
    """s = (second highest logit - highest logit) / temperature: high where two classes compete."""

    reads = frozenset({"logits"})

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.temperature = temperature

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32, at most 0."""
        with torch.inference_mode():
            first, second = prediction.logits.topk(2, dim=1).values.unbind(dim=1)
            return (second - first) / self.temperature


# --8<-- [end:detector]


def main() -> None:
    from ood_eval.detectors import check_detector

    check_detector(Margin)  # raises with the first rule that is broken
    prediction = Prediction(logits=torch.randn(1, 13, 36, 64), features=torch.zeros(1, 0, 36, 64))
    scores = Margin(temperature=2.0).score(prediction)
    print(f"the contract holds; scores {tuple(scores.shape)} from {scores.min():.2f} to {scores.max():.2f}")


if __name__ == "__main__":
    main()
