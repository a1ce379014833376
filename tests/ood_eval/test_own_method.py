"""A method with a network of its own, written wholly outside the package, goes through the same runner as ours."""

import sys
from pathlib import Path

import pytest
import torch

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.detectors import DETECTORS, build_detector, check_detector, trained_parts
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.networks import CheckpointFile, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.training import Machine, part_keys

TINY = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)

METHOD = '''
"""Tint: how far a pixel's logits are from those that a small network expects of its colour."""

import torch
from torch import nn

from ood_eval.detectors import Detector
from ood_eval.training import Recipe, TrainedPart
from ood_eval.training.task import TrainingTask


class Tint(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, width, 1))

    def forward(self, images):
        return self.layers(images.float() / 255.0)


class TintTask(TrainingTask):
    def __init__(self, network, segmenter, recipe, steps, seed):
        super().__init__(recipe, steps, seed)
        self.network, self._frozen = network, (segmenter.eval(),)

    def training_step(self, batch, batch_idx):
        with torch.no_grad():
            wanted = self._frozen[0].predict(batch[0]).logits
        return (self.network(batch[0]) - wanted).square().mean()


def width(segmenter):
    return {"width": len(segmenter.class_names)}


class Expected(Detector):
    reads = frozenset({"logits", "images", "map"})
    fit_split = "validation"
    trained_part = TrainedPart(
        "tint", Tint, width, TintTask,
        Recipe(optimizer="adamw", learning_rate=1e-2, weight_decay=0.0, epochs=2, batch_size=2, scale=(1.0, 1.0)),
        uses_segmenter=True,
    )

    def __init__(self):
        super().__init__()
        self.scale = torch.zeros(())

    def observe(self, prediction, labels):
        self.scale = self.scale + prediction.logits.square().mean()

    def score_map(self, prediction):
        with torch.inference_mode():
            return (self.part(prediction.images) - prediction.logits).square().mean(1) / self.scale

    def state(self):
        return {"scale": self.scale}
'''


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a user's method in the working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "tint_method.py").write_text(METHOD)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "tint_method", raising=False)
    return folder / "tint_method.py"


@pytest.mark.slow
def test_a_method_of_ones_own_is_checked_trained_fitted_and_scored(
    method: Path, shared_streets: Path, tmp_path: Path
) -> None:
    name, split = "tint_method:Expected", StreetHazards(shared_streets, "training")
    checkpoint = tmp_path / "segmenter.pt"
    save_segmenter(checkpoint, build_segmenter(TINY, split.class_names, "none", 0), TINY)
    check_detector(lambda: build_detector(name, {}, DETECTORS), name)
    suite = Suite(
        "s",
        (BenchmarkSpec("streethazards"),),
        tuple(map(DetectorSpec, (name, f"{name}+blur", "msp"))),
        BenchmarkSpec("streethazards"),
        ("caos",),
        0,
    )
    machine = Machine(accelerator="cpu", half=False)
    out = Campaign(suite, shared_streets, lambda *_: CheckpointFile(checkpoint), seeds=(None,), machine=machine).run(
        tmp_path / "out"
    )
    (path,) = (out / "parts").rglob("*.pt")
    assert path.name == "tint.pt"
    content = torch.load(path, weights_only=True)
    assert (content["part"], content["arguments"]) == ("tint", {"width": len(split.class_names)})
    rows = next(out.rglob("rows.jsonl")).read_text()
    assert all(f'"{label}"' in rows for label in (name, f"{name}+blur(7,1)", "msp"))
    parts = trained_parts([build_detector(name, {}, DETECTORS)])
    splits = {"in_distribution": split}
    assert part_keys(parts, CheckpointFile(checkpoint), splits, 0) == {"tint": path.parent.name}  # type: ignore[arg-type]
    method.write_text(METHOD.replace("- wanted).square()", "- wanted).abs()"))
    assert part_keys(parts, CheckpointFile(checkpoint), splits, 0) != {"tint": path.parent.name}  # type: ignore[arg-type]
