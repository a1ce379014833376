"""Any torch model through the detectors, in Python: a network, its scores of one picture, a whole set with a report.

    python examples/own_torch_model.py data/first out/own-model

From the command line, in the folder where this file lies:

    ood_eval run-caos --data data/first --out runs/own --segmenter own_torch_model:make --classes streethazards
"""

import sys
from pathlib import Path

# --8<-- [start:network]
from torch import Tensor, nn


class TwoSteps(nn.Module):
    """Thirteen logits at a quarter of the picture's size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=4, padding=2), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Conv2d(64, 13, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"out": self.head(self.body(images))}


def make() -> nn.Module:
    """What `--segmenter MODULE:make` calls; load your weights here, or give them by --weights."""
    return TwoSteps()


make.features_layer = "body"  # for detectors that read features
# --8<-- [end:network]


# --8<-- [start:score]
def main(data: str = "data/first", out: str = "out/own-model") -> None:
    from ood_eval import evaluate, load_segmenter, score

    segmenter = load_segmenter(make(), classes="streethazards", features_layer="body")
    picture = next(Path(data).glob("test/images/test/*/1.png"))
    for maps in score(segmenter, picture, ["msp", "maxlogit"]):
        print(f"{maps.id}: {maps['maxlogit'].shape}, highest score {maps['maxlogit'].max():.2f}")
    done = evaluate(segmenter, "generated", root=data, out=out, detectors=["msp", "maxlogit"], protocols=["caos"])
    print(f"AUROC of MaxLogit {done.value('maxlogit', 'auroc', 'caos'):.3f}; report: {done.report}")


# --8<-- [end:score]

if __name__ == "__main__":
    main(*sys.argv[1:])
