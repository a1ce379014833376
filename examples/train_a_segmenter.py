"""A segmenter trained on one's own set from Python, and what it sees in one test frame.

python examples/train_a_segmenter.py data/first out/segmenter 5
"""

import dataclasses
import sys
from pathlib import Path

from ood_eval.benchmarks.generated import Generated
from ood_eval.networks import Prediction, images_from_rgb, load_segmenter, segmenter_config
from ood_eval.training import PRESETS, Machine, TrainingPlan, train


def main(data: str = "data/first", out: str = "out/segmenter", epochs: str = "5", encoder: str = "resnet18") -> None:
    recipe = dataclasses.replace(PRESETS["small"], epochs=int(epochs))
    network = segmenter_config(
        "pspnet_short", {"encoder": encoder}, usual={"channels": recipe.channels, "auxiliary": False}
    )
    plan = TrainingPlan(recipe, network, weights="none", policy="keep_all", seed=0)
    checkpoint = train(plan, Generated(Path(data), "training"), Path(out), Machine(accelerator="cpu"))

    segmenter = load_segmenter(checkpoint)
    sample = Generated(Path(data), "test")[0]
    classes = Prediction.of(segmenter, images_from_rgb(sample.image)).top[1][0].numpy()
    known = sample.classes != 255
    right = (classes == sample.classes)[known].mean()
    print(f"{checkpoint}: {right:.0%} of the known pixels of {sample.id} are right")


if __name__ == "__main__":
    main(*sys.argv[1:])
