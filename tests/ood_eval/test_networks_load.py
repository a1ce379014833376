"""Segmenters of other makes: torchvision, folders of transformers, a user's own modules, and wrong ones."""

import json
import logging
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.errors import CheckpointError, ConfigError, DetectorError, NetworkError, OodEvalError
from ood_eval.networks import (
    Prediction,
    PyramidConfig,
    Segmenter,
    build_segmenter,
    load_segmenter,
    save_segmenter,
    segmenter_origin,
)
from ood_eval.networks.foreign import ForeignSegmenter
from ood_eval.networks.outputs import logits_of

IMAGES = torch.randint(0, 256, (1, 3, 45, 67), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
LRASPP = "torchvision:lraspp_mobilenet_v3_large"


class Strided(nn.Module):
    """Logits and features at half the size, in whatever wrapping."""

    def __init__(self, classes: int = 4, wrap=lambda logits: logits) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.head = nn.Conv2d(6, classes, 1)
        self.wrap = wrap

    def forward(self, images: Tensor):
        return self.wrap(self.head(self.stem(images)))


class Output(dict):
    """Read by attribute, as transformers' outputs are."""


WRAPPINGS = {
    "tensor": lambda logits: logits,
    "tuple": lambda logits: (logits, "auxiliary"),
    "list": lambda logits: [logits],
    "dict of torchvision": lambda logits: {"out": logits, "aux": logits * 0},
    "dict with logits": lambda logits: Output(loss=None, logits=logits),
    "dataclass": lambda logits: SimpleNamespace(logits=logits),
    "half precision": lambda logits: logits.bfloat16(),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_each_kind_of_output_is_recognised(wrapping: str) -> None:
    torch.manual_seed(0)
    network = Strided(wrap=WRAPPINGS[wrapping])
    segmenter = load_segmenter(network, classes=("a", "b", "c", "d"), features_layer="stem")
    found = Prediction.of(segmenter, IMAGES)
    with torch.inference_mode():
        features = network.stem(segmenter.normalise(IMAGES))
        coarse = network.head(features)
    fine = nn.functional.interpolate(coarse, size=(45, 67), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found.logits, fine, atol=1e-2, rtol=1e-2)
    assert torch.equal(found.features, features)
    assert found.class_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (torch.zeros(1, 4, 5, 5, dtype=torch.int64), r"a tensor \[1, 4, 5, 5\] of torch.int64.*before any argmax"),
        (torch.zeros(1, 5, 5), r"a tensor \[1, 5, 5\]"),
        (torch.zeros(1, 1, 5, 5), "at least two"),
        ({"masks": torch.zeros(1)}, "a dict of masks; wanted are logits"),
        ((), "nothing"),
        (("a", "b"), "begins with a str"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_output_is_named(output, message: str) -> None:
    with pytest.raises(NetworkError, match=message) as found:
        logits_of(output, "mine")
    assert str(found.value).startswith("mine returns ")
    assert "\n" not in str(found.value)


def test_a_mask_transformers_queries_make_its_logits() -> None:
    generator = torch.Generator().manual_seed(1)
    classes, masks = torch.randn(2, 5, 4, generator=generator), torch.randn(2, 5, 6, 7, generator=generator)
    logits, queries = logits_of(
        SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks, logits=None), "m"
    )
    expected = sum(
        classes[:, q].softmax(1)[:, :3, None, None] * masks[:, q, None].sigmoid() for q in range(5)
    )  # fmt: skip
    torch.testing.assert_close(logits, expected)
    assert queries is not None
    assert torch.equal(queries.masks, masks)


def test_without_a_layer_there_are_no_features_and_detectors_that_need_them_say_so() -> None:
    segmenter = load_segmenter(Strided(), classes=4)
    assert segmenter.class_names == ("class 0", "class 1", "class 2", "class 3")
    assert "features" not in segmenter.gives
    assert Prediction.of(segmenter, IMAGES).features.shape[1] == 0
    for name in ("maxlogit", "odin", "msp+flip"):
        scores = build_detector(name, {}, DETECTORS).score(Prediction.of(segmenter, IMAGES))
        assert scores.shape == (1, 45, 67)
    with pytest.raises(DetectorError, match="penultimate features"):
        build_detector("knn", {}, DETECTORS).check_network(segmenter)


def test_wrong_layers_and_numbers_of_classes_are_named() -> None:
    with pytest.raises(ConfigError, match=r"no layer 'stemm'.*there are stem"):
        load_segmenter(Strided(), features_layer="stemm")
    with pytest.raises(NetworkError, match="predicts 4 logits, but 3 class names are given for it"):
        load_segmenter(Strided(), classes=3)
    with pytest.raises(ConfigError, match="'a' is named twice"):
        load_segmenter(Strided(), classes=("a", "b", "a", "c"))
    with pytest.raises(ConfigError, match="three numbers"):
        load_segmenter(Strided(), mean=(0.5,))
    flat = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(2), nn.Unflatten(2, (64, 96)))
    with pytest.raises(NetworkError, match=r"features layer '1' gives \[1, 2, 6144\]"):
        load_segmenter(flat, features_layer="1")


def test_a_network_that_fails_is_named_with_the_place() -> None:
    class Picky(Strided):
        def forward(self, images: Tensor) -> Tensor:
            if images.shape[2] % 2:
                raise RuntimeError("height must be even\nand more")
            return super().forward(images)

    segmenter = load_segmenter(Picky())
    with pytest.raises(NetworkError, match=r"Picky fails on images \[1, 3, 45, 67\]: RuntimeError: height") as found:
        Prediction.of(segmenter, IMAGES)
    assert "(test_networks_load.py:" in str(found.value)
    assert "\n" not in str(found.value)

    class Large(Strided):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images) if images.shape[2] > 64 else 1 / 0

    with pytest.raises(NetworkError, match="not found on a small image; say so by --classes"):
        load_segmenter(Large())
    assert len(load_segmenter(Large(), classes=4).class_names) == 4


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large"])
def test_torchvision_by_name_with_and_without_weights(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plain = load_segmenter(f"torchvision:{name}", classes="cityscapes")
    assert "RANDOM weights" in caplog.text
    assert plain.class_names[:2] == ("road", "sidewalk")
    torch.testing.assert_close(plain.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]))
    state = {f"module.model.{key}": value for key, value in plain.network.inner.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "w.pth")
    caplog.clear()
    loaded = load_segmenter(f"torchvision:{name}", weights=tmp_path / "w.pth")
    assert len(loaded.class_names) == 19
    assert "'module.' is taken off" in caplog.text
    assert "'model.' is taken off" in caplog.text
    assert "RANDOM" not in caplog.text
    assert torch.equal(Prediction.of(loaded, IMAGES).logits, Prediction.of(plain, IMAGES).logits)
    assert ("features" in loaded.gives) == name.startswith("deeplab")


def test_weights_that_do_not_fit_are_named_and_taken_in_part_only_when_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = load_segmenter(LRASPP, classes=5).network.inner.state_dict()
    cut = {key: value for key, value in state.items() if not key.startswith("classifier.low")} | {
        "extra": torch.zeros(1),
        "classifier.high_classifier.weight": torch.zeros(5, 7, 1, 1),
    }
    torch.save(cut, tmp_path / "w.pth")
    with pytest.raises(CheckpointError) as found:
        load_segmenter(LRASPP, weights=tmp_path / "w.pth", classes=5)
    told = str(found.value)
    assert "2 of its tensors missing (classifier.low_classifier.weight, classifier.low_classifier.bias)" in told
    assert "1 of its tensors not of this network (extra)" in told
    assert "classifier.high_classifier.weight [5, 7, 1, 1] for [5, 128, 1, 1]" in told
    assert "--partial-weights takes what fits" in told
    load_segmenter(LRASPP, weights=tmp_path / "w.pth", classes=5, partial_weights=True)
    assert "taken as far as it fits: 2 of its tensors missing" in caplog.text
    torch.save({"extra": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds no classifier of torchvision's"):
        load_segmenter(LRASPP, weights=tmp_path / "w.pth")


class _Evil:
    def __reduce__(self):
        return (os.mkdir, ("/tmp/ood_eval_evil_weights",))


def test_tensors_that_no_file_fills_are_the_same_each_time(tmp_path: Path) -> None:
    def again(**given) -> list[Tensor]:
        torch.rand(1)  # the process's own random numbers go on
        return list(load_segmenter(LRASPP, classes=5, **given).state_dict().values())

    before = torch.random.get_rng_state()
    load_segmenter(LRASPP, classes=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(map(torch.equal, again(), again()))
    state = load_segmenter(LRASPP, classes=5).network.inner.state_dict()
    torch.save(dict(list(state.items())[: len(state) // 2]), tmp_path / "half.pth")
    partial = {"weights": tmp_path / "half.pth", "partial_weights": True}
    assert all(map(torch.equal, again(**partial), again(**partial)))
    assert segmenter_origin(LRASPP, classes=5).identity == segmenter_origin(LRASPP, classes=5).identity


@pytest.mark.parametrize(
    "given",
    [
        {"weights": "w.pth"},
        {"classes": 4},
        {"mean": (0.5,) * 3},
        {"std": (0.5,) * 3},
        {"features_layer": "stem"},
        {"partial_weights": True},
    ],
)
def test_a_segmenter_that_is_given_takes_no_options(given) -> None:
    segmenter = load_segmenter(Strided(), classes=4)
    with pytest.raises(ConfigError, match="a segmenter has its own"):
        load_segmenter(segmenter, **given)


def test_partial_weights_of_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="partial weights are taken of a file"):
        load_segmenter(LRASPP, partial_weights=True)
    with pytest.raises(ConfigError, match="load them into it yourself"):
        load_segmenter(Strided(), partial_weights=True)
    with pytest.raises(ConfigError, match="a checkpoint has its own partial weights"):
        segmenter_origin(tmp_path / "a.pt", partial_weights=True)


def test_no_code_in_weights_is_run(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": _Evil()}}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="without running code from it"):
        load_segmenter(LRASPP, weights=tmp_path / "w.pth")
    assert not Path("/tmp/ood_eval_evil_weights").exists()
    (tmp_path / "w.safetensors").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="not a readable weights file"):
        load_segmenter(LRASPP, weights=tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("torchvision:deeplabv3_resnet102", "did you mean deeplabv3_resnet101"),
        ("nomodule_at_all:make", "cannot be imported: ModuleNotFoundError"),
        ("os:nothing", "cannot be imported: AttributeError"),
        ("os:sep", "is a str, neither a function nor a torch module"),
        ("os:getcwd", "makes a str, not a torch.nn.Module"),
        ("hf:/nowhere", "no such folder"),
        ("hf:nvidia/segformer", "nothing is downloaded here: fetch it first, `hf download nvidia/segformer"),
        (":make", "not written as package.module:name"),
        ("runs/none.pt", "no such checkpoint"),
    ],
)
def test_sources_that_are_none_are_answered_in_one_line(source: str, message: str) -> None:
    with pytest.raises(OodEvalError, match=message) as found:
        load_segmenter(source)
    assert "\n" not in str(found.value)


FACTORY = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self, gain):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Dropout2d(0.5))
        self.top = nn.Conv2d(4, 3, 1)
        self.gain = gain

    def forward(self, x):
        return {"logits": self.top(self.body(x)) * self.gain}

def make():
    return Mine(2.0)

make.class_names = ("road", "car", "sky")
make.features_layer = "body"
make.mean, make.std = (0.1, 0.2, 0.3), (1, 1, 1)

def broken():
    raise ValueError("no such\\nfile")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's module in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    return tmp_path / f"{name}.py"


def test_a_factory_of_ones_own_is_found_from_the_working_directory(own: Path) -> None:
    state = torch.random.get_rng_state()
    segmenter = load_segmenter(f"{own.stem}:make")
    assert torch.equal(state, torch.random.get_rng_state())
    assert segmenter.class_names == ("road", "car", "sky")
    assert segmenter.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    found = Prediction.of(segmenter, IMAGES)
    assert found.features.shape == (1, 4, 45, 67)
    assert torch.equal(found.logits, Prediction.of(load_segmenter(f"{own.stem}:make"), IMAGES).logits)
    build_detector("dropout", {"passes": 2}, DETECTORS).score(found)
    with pytest.raises(NetworkError, match="cannot be made: ValueError: no such file"):
        load_segmenter(f"{own.stem}:broken")
    with pytest.raises(NetworkError, match="3 logits, but 2 class names"):
        load_segmenter(f"{own.stem}:make", classes="road,car")


def test_an_identity_follows_weights_code_and_settings(own: Path, tmp_path: Path) -> None:
    name = f"{own.stem}:make"
    first = segmenter_origin(name).identity
    assert segmenter_origin(name).identity == first
    torch.save(
        {key: value + 0.5 for key, value in load_segmenter(name).network.inner.state_dict().items()}, tmp_path / "w.pt"
    )
    others = [
        segmenter_origin(name, weights=tmp_path / "w.pt"),
        segmenter_origin(name, mean=(0.0, 0.0, 0.0)),
        segmenter_origin(name, features_layer="top"),
        segmenter_origin(name, classes=("a", "b", "c")),
    ]
    found = {first, *(one.identity for one in others)}
    assert len(found) == 5
    own.write_text(FACTORY + "\n# edited\n")
    assert segmenter_origin(name).identity not in found
    assert own in segmenter_origin(name).files()


def test_class_names_of_a_file_and_of_nothing_known(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("road\ncar\n\nsky\ntree\n")
    assert load_segmenter(Strided(), classes=str(tmp_path / "names.txt")).class_names == ("road", "car", "sky", "tree")
    with pytest.raises(ConfigError, match="nor a benchmark with classes"):
        load_segmenter(Strided(), classes="cityscape")


def test_a_checkpoint_has_its_own_classes_and_normalisation(tmp_path: Path) -> None:
    config = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
    save_segmenter(tmp_path / "s.pt", build_segmenter(config, ("a", "b"), "none", 0), config)
    assert isinstance(load_segmenter(str(tmp_path / "s.pt")), Segmenter)
    with pytest.raises(ConfigError, match="a checkpoint has its own classes"):
        load_segmenter(tmp_path / "s.pt", classes=3)


def _segformer(folder: Path) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        depths=[1] * 4,
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=12,
        id2label={0: "road", 1: "car", 2: "sky"},
        label2id={"road": 0, "car": 1, "sky": 2},
    )
    network = transformers.SegformerForSemanticSegmentation(config).eval()
    network.save_pretrained(folder)
    return network


def test_a_folder_of_transformers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = _segformer(tmp_path / "sf")
    told = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 1.0], "do_normalize": True}
    (tmp_path / "sf" / "preprocessor_config.json").write_text(json.dumps(told))
    segmenter = load_segmenter(f"hf:{tmp_path / 'sf'}")
    assert segmenter.class_names == ("road", "car", "sky")
    assert segmenter.std.flatten().tolist() == [0.25, 0.5, 1.0]
    found = Prediction.of(segmenter, IMAGES)
    with torch.inference_mode():
        logits = network(segmenter.normalise(IMAGES)).logits
    fine = nn.functional.interpolate(logits, size=(45, 67), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found.logits, fine)
    assert found.features.shape[1] == 12
    assert isinstance(segmenter, ForeignSegmenter)
    first, second = (segmenter_origin(f"hf:{tmp_path / 'sf'}").identity for _ in range(2))
    assert first == second


def test_a_folder_that_scales_otherwise_is_normalised_alike(tmp_path: Path) -> None:
    _segformer(tmp_path / "sf")
    path = tmp_path / "sf" / "preprocessor_config.json"
    path.write_text(json.dumps({"image_mean": [127.5] * 3, "image_std": [255.0] * 3, "do_rescale": False}))
    segmenter = load_segmenter(f"hf:{tmp_path / 'sf'}")
    assert segmenter.mean.flatten().tolist() == [0.5] * 3
    assert segmenter.std.flatten().tolist() == [1.0] * 3


def test_folders_that_do_not_fit_are_named(tmp_path: Path) -> None:
    network = _segformer(tmp_path / "sf")
    folder = tmp_path / "sf"
    safetensors = pytest.importorskip("safetensors.torch")
    state = dict(network.state_dict())
    state.pop("decode_head.classifier.bias")
    safetensors.save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 of its tensors missing \(decode_head.classifier.bias\)"):
        load_segmenter(f"hf:{folder}")
    load_segmenter(f"hf:{folder}", partial_weights=True)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_segmenter(f"hf:{folder}")
    torch.save(network.state_dict(), tmp_path / "w.pt")
    assert load_segmenter(f"hf:{folder}", weights=tmp_path / "w.pt").class_names == ("road", "car", "sky")
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | {"architectures": ["BertModel"]}))
    with pytest.raises(ConfigError, match="wanted is one such as SegformerForSemanticSegmentation"):
        load_segmenter(f"hf:{folder}")
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        load_segmenter(f"hf:{folder}")


@pytest.mark.slow
def test_other_architectures_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    stages = ["stage1", "stage2", "stage3", "stage4"]
    backbone = transformers.ConvNextConfig(depths=[1] * 4, hidden_sizes=[8] * 4, out_features=stages)
    upernet = transformers.UperNetConfig(
        backbone_config=backbone, hidden_size=16, num_labels=4, auxiliary_channels=8, auxiliary_in_channels=8
    )
    transformers.UperNetForSemanticSegmentation(upernet).eval().save_pretrained(tmp_path / "upernet")
    found = Prediction.of(load_segmenter(f"hf:{tmp_path / 'upernet'}"), IMAGES)
    assert (found.logits.shape, found.features.shape[1]) == ((1, 4, 45, 67), 16)
    swin = transformers.SwinConfig(
        image_size=64, embed_dim=12, depths=[1] * 4, num_heads=[1] * 4, window_size=4, out_features=stages
    )
    masks = transformers.Mask2FormerConfig(
        backbone_config=swin,
        hidden_dim=32,
        feature_size=32,
        mask_feature_size=32,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        encoder_feedforward_dim=16,
        num_queries=5,
        id2label={0: "a", 1: "b", 2: "c"},
        label2id={"a": 0, "b": 1, "c": 2},
    )
    transformers.Mask2FormerForUniversalSegmentation(masks).eval().save_pretrained(tmp_path / "m2f")
    found = Prediction.of(load_segmenter(f"hf:{tmp_path / 'm2f'}"), IMAGES)
    assert found.queries is not None
    assert found.queries.classes.shape == (1, 5, 4)
    assert found.logits.shape == (1, 3, 45, 67)
    assert {"queries", "features"} <= found.gives
