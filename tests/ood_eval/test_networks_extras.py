"""Networks beside the segmenter: their shapes, their files, and dropout awake alone."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ood_eval.errors import CheckpointError, ResultError
from ood_eval.networks import Extras, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.networks.autoencoder import Autoencoder, unit_images
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.dropout import awake_dropout, dropout_layers
from ood_eval.networks.extras import load_autoencoder, load_confidence_branch, save_extra

TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=16, auxiliary=False)


@pytest.mark.parametrize("size", [(32, 48), (45, 83), (1, 1)])
def test_an_image_of_any_size_is_redrawn_at_its_size(size: tuple[int, int]) -> None:
    images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    with torch.no_grad():
        redrawn = Autoencoder((4, 8, 8, 8), code=2).eval()(unit_images(images))
    assert redrawn.shape == images.shape
    assert 0.0 <= float(redrawn.min()) <= float(redrawn.max()) <= 1.0


def test_the_code_is_spatial_and_four_halvings_small() -> None:
    network = Autoencoder().eval()
    with torch.no_grad():
        code = network.encoder(torch.zeros(1, 3, 64, 96))
    assert code.shape == (1, network.code, 4, 6)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) == 8


def test_nothing_reaches_the_picture_but_through_the_code() -> None:
    network = Autoencoder((4, 8, 8, 8), code=2).eval()
    for value in network.encoder[-1].parameters():
        nn.init.zeros_(value)
    with torch.no_grad():
        redrawn = network(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(redrawn[0], redrawn[1])


def test_extras_come_back_whole(tmp_path: Path) -> None:
    branch, autoencoder = ConfidenceBranch(5), Autoencoder((4, 8), code=3)
    save_extra(tmp_path / "branch.pt", branch)
    save_extra(tmp_path / "autoencoder.pt", autoencoder)
    loaded = Extras(load_confidence_branch(tmp_path / "branch.pt"), load_autoencoder(tmp_path / "autoencoder.pt"))
    for one, other in ((branch, loaded.confidence_branch), (autoencoder, loaded.autoencoder)):
        assert other is not None
        assert not other.training
        assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert loaded.to("cpu").autoencoder is loaded.autoencoder


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    save_extra(tmp_path / "branch.pt", ConfidenceBranch(5))
    with pytest.raises(CheckpointError, match="holds no Autoencoder"):
        load_autoencoder(tmp_path / "branch.pt")
    save_segmenter(tmp_path / "segmenter.pt", build_segmenter(TINY, ("a", "b"), "none", 0), TINY)
    with pytest.raises(CheckpointError, match="no mark 'ood_eval extra 1'"):
        load_confidence_branch(tmp_path / "segmenter.pt")
    content = torch.load(tmp_path / "branch.pt", weights_only=True)
    content["shape"]["width"] = 6
    torch.save(content, tmp_path / "branch.pt")
    with pytest.raises(CheckpointError, match="does not fit this version"):
        load_confidence_branch(tmp_path / "branch.pt")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultError):
        save_extra(tmp_path / "file" / "branch.pt", ConfidenceBranch(5))


def test_dropout_wakes_alone_and_goes_back_to_sleep() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout2d(0.5), nn.Dropout(0.0)).eval()
    assert dropout_layers(network) == [network[1]]

    def break_off() -> None:
        with awake_dropout(network, torch.device("cpu"), 0):
            assert [layer.training for layer in network] == [False, True, False]
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        break_off()
    assert not any(layer.training for layer in network)


def test_our_networks_have_the_papers_dropout_before_the_classifier() -> None:
    network = build_segmenter(TINY, ("a", "b"), "none", 0).eval().network
    assert [layer.p for layer in dropout_layers(network)] == [0.1]
    features = torch.rand(1, 16, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network.classify(features), network.head(features))
        with awake_dropout(network, torch.device("cpu"), 0):
            assert not torch.equal(network.classify(features), network.head(features))
