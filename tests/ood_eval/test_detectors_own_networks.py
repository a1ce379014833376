"""Networks of methods: their shapes, their files, and dropout awake alone."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ood_eval.detectors.ae.network import Autoencoder, unit_images
from ood_eval.detectors.ae.recipe import AUTOENCODER
from ood_eval.detectors.branch.network import ConfidenceBranch
from ood_eval.detectors.branch.recipe import CONFIDENCE_BRANCH
from ood_eval.errors import CheckpointError, ResultError
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter
from ood_eval.networks.dropout import awake_dropout, dropout_layers
from ood_eval.networks.marked_file import write_marked
from ood_eval.training.trained_part import load_part, save_part

TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=16, auxiliary=False)


@pytest.mark.parametrize("size", [(32, 48), (45, 83), (1, 1)])
def test_an_image_of_any_size_is_reconstructed_at_its_size(size: tuple[int, int]) -> None:
    images = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    with torch.no_grad():
        reconstructed = Autoencoder((4, 8, 8, 8), code=2).eval()(unit_images(images))
    assert reconstructed.shape == images.shape
    assert 0.0 <= float(reconstructed.min()) <= float(reconstructed.max()) <= 1.0


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
        reconstructed = network(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(reconstructed[0], reconstructed[1])


def test_own_networks_come_back_whole(tmp_path: Path) -> None:
    pairs = (
        (CONFIDENCE_BRANCH, {"width": 5}),
        (AUTOENCODER, {"widths": [4, 8], "code": 3}),
    )
    for part, arguments in pairs:
        network = part.network(**arguments)
        save_part(tmp_path / "part.pt", part, arguments, network)
        loaded = load_part(tmp_path / "part.pt", part)
        assert not loaded.training
        assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in network.state_dict().items())


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    path = tmp_path / "branch.pt"
    save_part(path, CONFIDENCE_BRANCH, {"width": 5}, ConfidenceBranch(5))
    with pytest.raises(CheckpointError, match="holds no autoencoder"):
        load_part(path, AUTOENCODER)
    save_segmenter(tmp_path / "segmenter.pt", build_segmenter(TINY, ("a", "b"), "none", 0), TINY)
    with pytest.raises(CheckpointError, match="no mark 'ood_eval trained part 2'"):
        load_part(tmp_path / "segmenter.pt", CONFIDENCE_BRANCH)
    content = torch.load(path, weights_only=True)
    for arguments in ({"width": 6}, {"breadth": 5}):
        write_marked(path, content["format"], {**content, "arguments": arguments})
        with pytest.raises(CheckpointError, match="does not fit this version"):
            load_part(path, CONFIDENCE_BRANCH)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultError):
        save_part(tmp_path / "file" / "branch.pt", CONFIDENCE_BRANCH, {"width": 5}, ConfidenceBranch(5))


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
