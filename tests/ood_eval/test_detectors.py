"""Every detector keeps the contract, and equals its formula written out plainly."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import logit, logsumexp, softmax
from scipy.stats import entropy
from torch import Tensor, nn

import ood_eval.detectors
from ood_eval.detectors import DETECTORS, Detector, build_detector, check_detector
from ood_eval.detectors.background import Background
from ood_eval.detectors.energy import Energy
from ood_eval.detectors.kl_matching import KLMatching
from ood_eval.detectors.knn import KNN
from ood_eval.detectors.mahalanobis import Mahalanobis
from ood_eval.detectors.odin import ODIN
from ood_eval.detectors.standardized_max_logits import StandardizedMaxLogits
from ood_eval.engine.code import code_identity
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks import Extras, Forward, Segmenter
from ood_eval.networks.autoencoder import Autoencoder
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.forward import SegOutput

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
def forward(segmenter: Segmenter, images: Tensor) -> Forward:
    return Forward(segmenter, images)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_keeps_the_contract(name: str) -> None:
    check_detector(DETECTORS[name], name)


def test_every_file_of_the_folder_is_in_the_table() -> None:
    folder = Path(ood_eval.detectors.__file__).parent
    machinery = {"__init__", "detector", "check", "load", "naming", "processed", "settings"}
    shared = {"feature_bank", "mean_field", "sklearn_outliers"}
    assert {path.stem for path in folder.glob("*.py")} - machinery - shared == set(DETECTORS)
    assert all(cls.__module__ == f"ood_eval.detectors.{name}" for name, cls in DETECTORS.items())


def _broken(score: Callable[[Forward], Tensor], fit: str | None = None) -> type[Detector]:
    class Broken(Detector):
        fit_split = fit  # type: ignore[assignment]

        def score_map(self, forward: Forward) -> Tensor:
            return score(forward)

    return Broken


class Forgetful(Detector):
    """Fits, but saves nothing."""

    fit_split = "training"
    level = 0.0

    def observe(self, forward: Forward, labels: Tensor) -> None:
        self.level += float(forward.top[0].mean())

    def score_map(self, forward: Forward) -> Tensor:
        return forward.top[0] * self.level


class Eager(Forgetful):
    """Scores although unfitted."""

    def score(self, forward: Forward) -> Tensor:
        return self.score_map(forward)


class VoidReader(Forgetful):
    """Counts void as a class."""

    def observe(self, forward: Forward, labels: Tensor) -> None:
        self.level = self.level + float((labels * forward.top[0]).mean())

    def state(self) -> dict[str, Tensor]:
        return {"level": torch.tensor(self.level, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        super().restore(state)
        self.level = float(state["level"])


class Greedy(Detector):
    """Says that it needs the branch, and scores without."""

    requires = frozenset({"confidence_branch"})

    def score(self, forward: Forward) -> Tensor:
        return self.score_map(forward)

    def score_map(self, forward: Forward) -> Tensor:
        return forward.top[0]


class Waker(Detector):
    """Leaves its mark in the pass that all share."""

    def score_map(self, forward: Forward) -> Tensor:
        with torch.inference_mode():
            scores = forward.top[0].clone()
            forward.output.logits.add_(1.0)
        return scores


def _inplace(spoil: Callable[[Forward], object]) -> type[Detector]:
    class Spoiler(Detector):
        """Damages what all share, and scores by something else."""

        def score_map(self, forward: Forward) -> Tensor:
            with torch.inference_mode():
                scores = forward.output.logits.mean(dim=1)
                spoil(forward)
            return scores

    return Spoiler


class Moody(Forgetful):
    """Draws while it is fitted."""

    def observe(self, forward: Forward, labels: Tensor) -> None:
        self.level = float(torch.rand(()))

    def state(self) -> dict[str, Tensor]:
        return {"level": torch.tensor(self.level, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        super().restore(state)
        self.level = float(state["level"])


class SkipsVoid(VoidReader):
    """Reads of the labels only where they are void, and needs some that are not."""

    def observe(self, forward: Forward, labels: Tensor) -> None:
        self.level += float(forward.top[0][labels != 255].double().sum())

    def finish(self) -> None:
        if self.level == 0.0:
            raise RuntimeError("nothing to see")
        super().finish()


class Headless(Detector):
    """Forgets the constructor it inherits."""

    def __init__(self) -> None:
        pass

    def score_map(self, forward: Forward) -> Tensor:
        return forward.top[0]


def test_the_check_accepts_a_detector_that_only_skips_void() -> None:
    check_detector(SkipsVoid)


@pytest.mark.parametrize(
    ("make", "breach"),
    [
        (_inplace(lambda f: f.log_probabilities.exp_()), "log_probabilities"),
        (_inplace(lambda f: f.top[0].neg_()), "top values"),
        (_inplace(lambda f: f.output.features.mul_(0)), "features"),
        (_broken(lambda f: f.output.features.mean(1).repeat_interleave(4, 1).repeat_interleave(4, 2)), "(23, 37)"),
        (_broken(lambda f: (f.top[0] - f.top[0].mean()) * 1e-6), "one by one"),
        (_broken(lambda f: f.top[0].numpy()), "not a torch.Tensor"),
        (Moody, "fitted again"),
        (Headless, "_ready"),
        (_broken(lambda f: f.top[0][:, :-1]), "shape"),
        (_broken(lambda f: f.top[0].double()), "float32"),
        (_broken(lambda f: (f.top[0] * 0.0).log()), "NaN or infinity"),
        (_broken(lambda f: torch.rand_like(f.top[0])), "second call"),
        (_broken(lambda f: f.top[0] - f.top[0].mean()), "one by one"),
        (Forgetful, "saved copy"),
        (Eager, "never fitted"),
        (VoidReader, "void labels"),
        (Greedy, "it has no confidence_branch"),
        (Waker, "changes the shared pass"),
    ],
)
def test_the_check_refuses_broken_detectors(make: Callable[[], Detector], breach: str) -> None:
    with pytest.raises(DetectorError, match=re.escape(breach)):
        check_detector(make)


def _logits(forward: Forward) -> np.ndarray:
    return forward.output.logits.numpy().astype(np.float64)


FORMULAS = {
    "msp": lambda z: 1 - softmax(z, axis=1).max(axis=1),
    "maxlogit": lambda z: -z.max(axis=1),
    "background": lambda z: logit(softmax(z, axis=1)[:, 0]),
    "energy": lambda z: -logsumexp(z, axis=1),
    "entropy": lambda z: entropy(softmax(z, axis=1), axis=1) / np.log(z.shape[1]),
    "logit_avg": lambda z: -z.mean(axis=1),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_logit_detectors_equal_their_formula(name: str, forward: Forward) -> None:
    found = DETECTORS[name]().score(forward).numpy()
    np.testing.assert_allclose(found, FORMULAS[name](_logits(forward)), rtol=1e-5, atol=1e-6)


def test_energy_with_a_temperature(forward: Forward) -> None:
    found = Energy(temperature=2.5).score(forward).numpy()
    np.testing.assert_allclose(found, -2.5 * logsumexp(_logits(forward) / 2.5, axis=1), rtol=1e-5)


def test_msp_keeps_apart_what_float32_probabilities_tie() -> None:
    """Two pixels whose p is 1.0 in float32, one surer than the other."""

    class Sure(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits = torch.zeros(1, 4, 1, 2)
            logits[0, 0, 0] = torch.tensor([25.0, 30.0])
            return logits, logits, None

    forward = Forward(Segmenter(Sure(), NAMES), torch.zeros(1, 3, 1, 2, dtype=torch.uint8))
    less, more = DETECTORS["msp"]().score(forward)[0, 0].tolist()
    assert less > more > 0.0


def test_background_sign_and_class_are_options(forward: Forward) -> None:
    p = softmax(_logits(forward), axis=1)
    np.testing.assert_allclose(Background(class_name="sky").score(forward).numpy(), logit(p[:, 3]), rtol=1e-4)
    np.testing.assert_allclose(Background(inverted=True).score(forward).numpy(), logit(1 - p[:, 0]), rtol=1e-4)
    with pytest.raises(DetectorError, match="no class 'tree'"):
        Background(class_name="tree").score(forward)


def _fit(detector: Detector, forward: Forward, labels: Tensor) -> Detector:
    detector.observe(forward, labels)
    detector.finish()
    return detector


def test_kl_matching_is_the_least_divergence(forward: Forward) -> None:
    p = softmax(_logits(forward), axis=1).transpose(0, 2, 3, 1).reshape(-1, 4)
    typical = np.stack([p[p.argmax(1) == k].mean(0) if (p.argmax(1) == k).any() else np.eye(4)[k] for k in range(4)])
    plain = np.array([min(entropy(q, np.maximum(d, 1e-12)) for d in typical) for q in p])
    found = _fit(KLMatching(), forward, torch.zeros(2, 6, 8, dtype=torch.uint8)).score(forward)
    np.testing.assert_allclose(found.numpy().reshape(-1), plain, rtol=1e-3, atol=1e-5)


def test_standardized_max_logits_have_unit_moments_per_class(forward: Forward) -> None:
    bare = StandardizedMaxLogits(boundary=False, smoothing=False)
    scores = _fit(bare, forward, torch.zeros(2, 6, 8, dtype=torch.uint8)).score(forward)
    for channel in forward.top[1].unique():
        chosen = scores[forward.top[1] == channel]
        if chosen.numel() > 2:
            assert float(chosen.mean()) == pytest.approx(0.0, abs=1e-4)
            assert float(chosen.std()) == pytest.approx(1.0, abs=1e-3)


def test_mahalanobis_equals_the_quadratic_form(forward: Forward) -> None:
    labels = (forward.images.sum(dim=1) % 3).to(torch.uint8)
    labels[0, 0] = 255
    ridge = 1e-3
    features = forward.output.features.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    flat = labels.reshape(-1).numpy()
    means = [features[flat == k].mean(0) for k in range(3)]
    kept = flat != 255
    centred = features[kept] - np.stack([means[k] for k in flat[kept]])
    covariance = centred.T @ centred / kept.sum()
    inverse = np.linalg.inv(covariance + np.eye(3) * np.trace(covariance) / 3 * ridge)
    plain = np.min([np.einsum("nd,de,ne->n", features - m, inverse, features - m) for m in means], axis=0)
    found = _fit(Mahalanobis(ridge), forward, labels).score(forward)
    np.testing.assert_allclose(found.numpy().reshape(-1), plain, rtol=1e-3, atol=1e-3)


def test_knn_is_the_distance_to_the_kth_neighbour(forward: Forward) -> None:
    detector = _fit(KNN(k=3, per_image=48), forward, torch.zeros(2, 6, 8, dtype=torch.uint8))
    features = forward.output.features.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    plain = np.sort(np.linalg.norm(unit[:, None] - unit[None], axis=2), axis=1)[:, 2]
    np.testing.assert_allclose(detector.score(forward).numpy().reshape(-1), plain, rtol=1e-2, atol=2e-3)


def test_odin_without_a_step_is_tempered_msp(forward: Forward) -> None:
    found = ODIN(temperature=10.0, epsilon=0.0).score(forward).numpy()
    p = softmax(_logits(forward) / 10.0, axis=1).max(axis=1)
    np.testing.assert_allclose(found, 10.0 * np.log((1 - p) / p / (len(NAMES) - 1)), rtol=1e-4, atol=1e-4)
    moved = ODIN(temperature=10.0, epsilon=0.01).score(forward).numpy()
    assert moved.mean() < found.mean()


def test_all_detectors_share_one_forward_pass(segmenter: Segmenter, images: Tensor) -> None:
    """ODIN alone may run the network again: it asks about another input."""
    extras = Extras(ConfidenceBranch(3).eval(), Autoencoder((4, 4), code=2).eval())
    forward = Forward(segmenter, images, extras)
    labels = torch.zeros(2, 6, 8, dtype=torch.uint8)
    for name, make in DETECTORS.items():
        if name != "odin":
            _fit(make(), forward, labels).score(forward)
    assert segmenter.network.calls == 1
    DETECTORS["odin"]().score(forward)
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


def test_pytorch_ood_agrees(forward: Forward) -> None:
    peers = pytest.importorskip("pytorch_ood.detector")
    logits = forward.output.logits.clone()
    pairs = {"maxlogit": peers.MaxLogit, "energy": peers.EnergyBased, "entropy": peers.Entropy}
    for name, peer in pairs.items():
        ours = DETECTORS[name]().score(forward)
        theirs = peer.score(logits)
        scale = np.log(len(NAMES)) if name == "entropy" else 1.0
        torch.testing.assert_close(ours * scale, theirs.float(), rtol=1e-4, atol=1e-5)


def test_features_with_a_large_common_part_keep_their_distances() -> None:
    """Mahalanobis on features that all lie far from the origin, against float64."""
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(2, 16, 12, 20)) + 1000.0

    def make(dtype: torch.dtype) -> Forward:
        segmenter = Segmenter(nn.Identity(), ("a", "b")).eval()
        forward = Forward(segmenter, torch.zeros(2, 3, 12, 20, dtype=torch.uint8))
        features = torch.from_numpy(spread).to(dtype)
        forward.__dict__["output"] = SegOutput(torch.zeros(2, 2, 12, 20), features)
        return forward

    labels = torch.from_numpy(rng.integers(0, 2, (2, 12, 20)).astype(np.uint8))
    detector = DETECTORS["mahalanobis"]()
    detector.observe(make(torch.float64), labels)
    detector.finish()
    flat, true = spread.transpose(0, 2, 3, 1).reshape(-1, 16), labels.numpy().reshape(-1)
    means = np.stack([flat[true == k].mean(axis=0) for k in (0, 1)])
    residual = flat - means[true]
    covariance = residual.T @ residual / len(flat)
    covariance += np.eye(16) * covariance.diagonal().mean() * 1e-3
    gaps = flat[:, None] - means[None]
    expected = np.einsum("nkd,de,nke->nk", gaps, np.linalg.inv(covariance), gaps).min(axis=1)
    found = detector.score(make(torch.float32)).numpy().reshape(-1)
    assert np.abs(found - expected).max() < 1e-2


def test_a_detector_whose_annotations_cannot_be_resolved_is_built_all_the_same() -> None:
    class Annotated(Detector):
        def __init__(self, bank: "NotImportedHere | None" = None, k: int = 1) -> None:  # noqa: F821
            super().__init__()
            self.bank, self.k = bank, k

        def score_map(self, forward: Forward) -> Tensor:
            return forward.top[0] * self.k

    assert build_detector("annotated", {"bank": "b", "k": 2}, {"annotated": Annotated}).k == 2  # type: ignore[attr-defined]
    assert build_detector("knn", {"k": np.int64(3)}, DETECTORS).k == 3  # type: ignore[attr-defined]


def test_a_detector_without_a_file_has_no_results() -> None:
    scope: dict[str, object] = {"Detector": Detector, "__name__": "typed"}
    exec("class Typed(Detector):\n    def score_map(self, forward):\n        return forward.top[0]", scope)  # noqa: S102
    with pytest.raises(ConfigError, match="put it into a file"):
        code_identity([scope["Typed"]()])  # type: ignore[operator,list-item]
