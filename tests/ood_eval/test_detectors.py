"""Every detector keeps the contract, and equals its formula written out plainly."""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logit, logsumexp, softmax
from scipy.stats import entropy
from torch import Tensor, nn

import ood_eval.detectors
from ood_eval.code import code_of
from ood_eval.detectors import DETECTORS, Detector, build_detector, check_detector
from ood_eval.detectors.background import Background
from ood_eval.detectors.branch.recipe import CONFIDENCE_BRANCH
from ood_eval.detectors.energy import Energy
from ood_eval.detectors.kl_matching import KLMatching
from ood_eval.detectors.knn import KNN
from ood_eval.detectors.mahalanobis import Mahalanobis
from ood_eval.detectors.odin import ODIN
from ood_eval.detectors.standardized_max_logits import StandardizedMaxLogits
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks import Prediction, Segmenter

NAMES = ("unlabeled", "road", "car", "sky")


class Linear(nn.Module):
    """Logits at full size that are a fixed linear map of the pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.dropout = nn.Dropout2d(0.3)
        self.head = nn.Conv2d(3, len(NAMES), 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        self.calls += 1
        return self.classify(images), images, None

    def classify(self, features: Tensor) -> Tensor:
        return 3.0 * self.head(self.dropout(features))


@pytest.fixture
def segmenter() -> Segmenter:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Segmenter(Linear(), NAMES).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (2, 3, 6, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture
def prediction(segmenter: Segmenter, images: Tensor) -> Prediction:
    return Prediction.of(segmenter, images)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_keeps_the_contract(name: str) -> None:
    check_detector(DETECTORS[name], name)


def test_every_file_of_the_folder_is_in_the_table() -> None:
    folder = Path(ood_eval.detectors.__file__).parent
    machinery = {
        "__init__",
        "detector",
        "check",
        "check_training",
        "guard",
        "small_networks",
        "load",
        "naming",
        "processed",
        "settings",
    }
    shared = {"feature_bank", "mean_field", "neighbours", "sampled_features"}
    files = {path.stem for path in folder.glob("*.py")} - machinery - shared
    folders = {path.parent.name for path in folder.glob("*/__init__.py")} - {"steps"}
    assert files | folders == set(DETECTORS)
    homes = {name: ".detector" if name in folders else "" for name in DETECTORS}
    assert all(cls.__module__ == f"ood_eval.detectors.{name}{homes[name]}" for name, cls in DETECTORS.items())


@pytest.mark.parametrize(
    ("changes", "breach"),
    [
        ({"task": lambda: None}, "task is called with the network, recipe=, steps=, seed=, segmenter=: too many"),
        ({"uses_segmenter": False}, "'segmenter'; set uses_segmenter=True"),
        ({"arguments": dict}, None),
    ],
)
def test_a_part_says_what_its_makers_are_called_with(changes: dict[str, Any], breach: str | None) -> None:
    if breach is None:
        dataclasses.replace(CONFIDENCE_BRANCH, **changes)
        return
    with pytest.raises(DetectorError, match=re.escape(breach)):
        dataclasses.replace(CONFIDENCE_BRANCH, **changes)


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (["logits", "map"], r'Own: reads must be a frozenset, as frozenset\(\{"logits", "map"\}\)'),
        (frozenset({"feature"}), "Own: reads: unknown 'feature'; did you mean features[?] known are logits, map"),
    ],
)
def test_a_misread_reading_is_named_where_the_class_is_made(reads: object, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        type("Own", (Detector,), {"reads": reads})


def _logits(prediction: Prediction) -> np.ndarray:
    return prediction.logits.numpy().astype(np.float64)


FORMULAS = {
    "msp": lambda z: 1 - softmax(z, axis=1).max(axis=1),
    "maxlogit": lambda z: -z.max(axis=1),
    "background": lambda z: logit(softmax(z, axis=1)[:, 0]),
    "energy": lambda z: -logsumexp(z, axis=1),
    "entropy": lambda z: entropy(softmax(z, axis=1), axis=1) / np.log(z.shape[1]),
    "logit_avg": lambda z: -z.mean(axis=1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_logit_detectors_equal_their_formula(name: str, prediction: Prediction) -> None:
    found = DETECTORS[name]().score(prediction).numpy()
    np.testing.assert_allclose(found, FORMULAS[name](_logits(prediction)), rtol=1e-5, atol=1e-6)


def test_energy_with_a_temperature(prediction: Prediction) -> None:
    found = Energy(temperature=2.5).score(prediction).numpy()
    np.testing.assert_allclose(found, -2.5 * logsumexp(_logits(prediction) / 2.5, axis=1), rtol=1e-5)


def test_msp_keeps_apart_what_float32_probabilities_tie() -> None:
    """Two pixels whose p is 1.0 in float32, one surer than the other."""

    class Sure(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits = torch.zeros(1, 4, 1, 2)
            logits[0, 0, 0] = torch.tensor([25.0, 30.0])
            return logits, logits, None

    prediction = Prediction.of(Segmenter(Sure(), NAMES), torch.zeros(1, 3, 1, 2, dtype=torch.uint8))
    less, more = DETECTORS["msp"]().score(prediction)[0, 0].tolist()
    assert less > more > 0.0


def test_background_sign_and_class_are_options(prediction: Prediction) -> None:
    p = softmax(_logits(prediction), axis=1)
    np.testing.assert_allclose(Background(class_name="sky").score(prediction).numpy(), logit(p[:, 3]), rtol=1e-4)
    np.testing.assert_allclose(Background(inverted=True).score(prediction).numpy(), logit(1 - p[:, 0]), rtol=1e-4)
    with pytest.raises(DetectorError, match="no class 'tree'"):
        Background(class_name="tree").score(prediction)


def test_background_finds_the_class_of_bdd_anomaly_by_itself(prediction: Prediction) -> None:
    names = tuple({"unlabeled": "background"}.get(name, name) for name in prediction.class_names)
    found = Background().score(dataclasses.replace(prediction, class_names=names))
    np.testing.assert_array_equal(found.numpy(), Background("unlabeled").score(prediction).numpy())
    nameless = dataclasses.replace(prediction, class_names=tuple(f"class {k}" for k in range(len(names))))
    with pytest.raises(DetectorError, match="no class 'unlabeled' or 'background', only class 0"):
        Background().score(nameless)


def _equipped(detector: Detector, segmenter: Segmenter) -> Detector:
    part = detector.trained_part
    if part is not None:
        detector.equip(
            part.network(**part.arguments(**({"segmenter": segmenter} if part.uses_segmenter else {}))).eval()
        )
    return detector


def _fit(detector: Detector, prediction: Prediction, labels: Tensor) -> Detector:
    detector.observe(prediction, labels)
    detector.finish()
    return detector


def test_kl_matching_is_the_least_divergence(prediction: Prediction) -> None:
    p = softmax(_logits(prediction), axis=1).transpose(0, 2, 3, 1).reshape(-1, 4)
    typical = np.stack([p[p.argmax(1) == k].mean(0) if (p.argmax(1) == k).any() else np.eye(4)[k] for k in range(4)])
    plain = np.array([min(entropy(q, np.maximum(d, 1e-12)) for d in typical) for q in p])
    found = _fit(KLMatching(), prediction, torch.zeros(2, 6, 8, dtype=torch.uint8)).score(prediction)
    np.testing.assert_allclose(found.numpy().reshape(-1), plain, rtol=1e-3, atol=1e-5)


def test_standardized_max_logits_have_unit_moments_per_class(prediction: Prediction) -> None:
    bare = StandardizedMaxLogits(boundary=False, smoothing=False)
    scores = _fit(bare, prediction, torch.zeros(2, 6, 8, dtype=torch.uint8)).score(prediction)
    for channel in prediction.top[1].unique():
        chosen = scores[prediction.top[1] == channel]
        if chosen.numel() > 2:
            assert float(chosen.mean()) == pytest.approx(0.0, abs=1e-4)
            assert float(chosen.std()) == pytest.approx(1.0, abs=1e-3)


def test_mahalanobis_equals_the_quadratic_form(prediction: Prediction) -> None:
    labels = (prediction.images.sum(dim=1) % 3).to(torch.uint8)
    labels[0, 0] = 255
    ridge = 1e-3
    features = prediction.features.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    flat = labels.reshape(-1).numpy()
    means = [features[flat == k].mean(0) for k in range(3)]
    kept = flat != 255
    centred = features[kept] - np.stack([means[k] for k in flat[kept]])
    covariance = centred.T @ centred / kept.sum()
    inverse = np.linalg.inv(covariance + np.eye(3) * np.trace(covariance) / 3 * ridge)
    plain = np.min([np.einsum("nd,de,ne->n", features - m, inverse, features - m) for m in means], axis=0)
    found = _fit(Mahalanobis(ridge), prediction, labels).score(prediction)
    np.testing.assert_allclose(found.numpy().reshape(-1), plain, rtol=1e-3, atol=1e-3)


def test_knn_is_the_distance_to_the_kth_neighbour(prediction: Prediction) -> None:
    detector = _fit(KNN(k=3, per_image=48), prediction, torch.zeros(2, 6, 8, dtype=torch.uint8))
    features = prediction.features.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    plain = np.sort(np.linalg.norm(unit[:, None] - unit[None], axis=2), axis=1)[:, 2]
    np.testing.assert_allclose(detector.score(prediction).numpy().reshape(-1), plain, rtol=1e-2, atol=2e-3)


def test_odin_without_a_step_is_tempered_msp(prediction: Prediction) -> None:
    found = ODIN(temperature=10.0, epsilon=0.0).score(prediction).numpy()
    p = softmax(_logits(prediction) / 10.0, axis=1).max(axis=1)
    np.testing.assert_allclose(found, 10.0 * np.log((1 - p) / p / (len(NAMES) - 1)), rtol=1e-4, atol=1e-4)
    moved = ODIN(temperature=10.0, epsilon=0.01).score(prediction).numpy()
    assert moved.mean() < found.mean()


def test_all_detectors_share_one_forward_pass(segmenter: Segmenter, images: Tensor) -> None:
    """ODIN alone may run the network again: it asks about another input."""
    detectors = {name: _equipped(make(), segmenter) for name, make in DETECTORS.items()}
    segmenter.network.calls = 0
    prediction = Prediction.of(segmenter, images)
    labels = torch.zeros(2, 6, 8, dtype=torch.uint8)
    for name, detector in detectors.items():
        if name != "odin":
            _fit(detector, prediction, labels).score(prediction)
    assert segmenter.network.calls == 1
    detectors["odin"].score(prediction)
    assert segmenter.network.calls == 3


def test_an_unknown_name_is_answered_with_close_ones() -> None:
    with pytest.raises(DetectorError, match="did you mean maxlogit"):
        build_detector("maxlogits", {}, DETECTORS)


def test_options_reach_the_detector_and_wrong_ones_are_named() -> None:
    detector = build_detector("energy", {"temperature": 2.0}, DETECTORS)
    assert isinstance(detector, Energy)
    assert detector.temperature == 2.0
    with pytest.raises(DetectorError, match="temprature"):
        build_detector("energy", {"temprature": 2.0}, DETECTORS)
    with pytest.raises(ConfigError, match="above zero"):
        build_detector("energy", {"temperature": 0.0}, DETECTORS)


def test_a_strangers_detector_is_found_by_module_and_class() -> None:
    found = build_detector("ood_eval.detectors.msp:MSP", {}, DETECTORS)
    assert type(found) is DETECTORS["msp"]
    for wrong, message in (("ood_eval.nothing:X", "cannot be imported"), ("pathlib:Path", "no subclass")):
        with pytest.raises(DetectorError, match=message):
            build_detector(wrong, {}, DETECTORS)


def test_pytorch_ood_agrees(prediction: Prediction) -> None:
    peers = pytest.importorskip("pytorch_ood.detector")
    logits = prediction.logits.clone()
    pairs = {"maxlogit": peers.MaxLogit, "energy": peers.EnergyBased, "entropy": peers.Entropy}
    for name, peer in pairs.items():
        ours = DETECTORS[name]().score(prediction)
        theirs = peer.score(logits)
        scale = np.log(len(NAMES)) if name == "entropy" else 1.0
        torch.testing.assert_close(ours * scale, theirs.float(), rtol=1e-4, atol=1e-5)


def test_features_with_a_large_common_part_keep_their_distances() -> None:
    """Mahalanobis on features that all lie far from the origin, against float64."""
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(2, 16, 12, 20)) + 1000.0

    prediction = Prediction(torch.zeros(2, 2, 12, 20), torch.from_numpy(spread).float())
    labels = torch.from_numpy(rng.integers(0, 2, (2, 12, 20)).astype(np.uint8))
    detector = DETECTORS["mahalanobis"]()
    detector.observe(prediction, labels)
    detector.finish()
    flat, true = spread.transpose(0, 2, 3, 1).reshape(-1, 16), labels.numpy().reshape(-1)
    means = np.stack([flat[true == k].mean(axis=0) for k in (0, 1)])
    residual = flat - means[true]
    covariance = residual.T @ residual / len(flat)
    covariance += np.eye(16) * covariance.diagonal().mean() * 1e-3
    gaps = flat[:, None] - means[None]
    expected = np.einsum("nkd,de,nke->nk", gaps, np.linalg.inv(covariance), gaps).min(axis=1)
    found = detector.score(prediction).numpy().reshape(-1)
    assert np.abs(found - expected).max() < 1e-2


def test_a_detector_whose_annotations_cannot_be_resolved_is_built_all_the_same() -> None:
    class Annotated(Detector):
        def __init__(self, bank: "NotImportedHere | None" = None, k: int = 1) -> None:  # noqa: F821
            super().__init__()
            self.bank, self.k = bank, k

        def score_map(self, prediction: Prediction) -> Tensor:
            return prediction.top[0] * self.k

    assert build_detector("annotated", {"bank": "b", "k": 2}, {"annotated": Annotated}).k == 2  # type: ignore[attr-defined]
    assert build_detector("knn", {"k": np.int64(3)}, DETECTORS).k == 3  # type: ignore[attr-defined]


def test_a_detector_without_a_file_has_no_results() -> None:
    scope: dict[str, object] = {"Detector": Detector, "__name__": "typed"}
    exec("class Typed(Detector):\n    def score_map(self, prediction):\n        return prediction.top[0]", scope)  # noqa: S102
    with pytest.raises(ConfigError, match="typed: has no source file; put it into one"):
        code_of(*scope["Typed"]().modules)  # type: ignore[operator]


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_documents_its_formula_what_it_reads_its_source_and_its_options(name: str) -> None:
    kind = DETECTORS[name]
    text = inspect.getdoc(kind) or ""
    head, _, options = text.partition("\nArgs:\n")
    assert "Source: " in head or kind.baseline
    assert "s = " in head or "softmax(z(x') / T)" in head
    (told,) = re.findall(r"Reads (?:[^.]|\.\d)*\.", " ".join(head.split()))
    words = kind.reads - {"map"} | ({kind.fit_split} - {None})  # type: ignore[operator]
    assert all(str(word) in told for word in words), (told, words)
    assert ("maps" in told) is ("map" in kind().reads)
    documented = set(re.findall(r"^    (\w+): ", options, flags=re.MULTILINE)) - {"ConfigError"}
    assert documented == set(inspect.signature(kind).parameters) - {"self"}
