"""Detectors with networks, samples or fields of their own, against their formulas written out plainly."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.ensemble import IsolationForest as Forest
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from ood_eval.detectors import DETECTORS, Detector, build_detector, trained_parts
from ood_eval.detectors.ae import AE
from ood_eval.detectors.ae.network import Autoencoder
from ood_eval.detectors.background import Background
from ood_eval.detectors.branch import Branch
from ood_eval.detectors.branch.network import ConfidenceBranch
from ood_eval.detectors.crf import CRF
from ood_eval.detectors.dropout import Dropout
from ood_eval.detectors.feature_bank import FeatureBank
from ood_eval.detectors.isolation_forest import IsolationForest
from ood_eval.detectors.lof import LOF
from ood_eval.detectors.mean_field import PairwiseKernel, mean_field
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks import Prediction, PyramidConfig, Segmenter, build_segmenter

NAMES = ("unlabeled", "road", "car", "sky")
LABELS = torch.zeros(2, 6, 8, dtype=torch.uint8)


class Whole(nn.Module):
    """A network without `classify`: dropout and batch norm inside, so MC dropout must run all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.norm = nn.BatchNorm2d(3)
        self.dropout = nn.Dropout2d(0.5)
        self.head = nn.Conv2d(3, len(NAMES), 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        self.calls += 1
        features = self.norm(images)
        return 3.0 * self.head(self.dropout(features)), features, None


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (2, 3, 6, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture
def prediction(images: Tensor) -> Prediction:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        segmenter = Segmenter(Whole(), NAMES).eval()
    return Prediction.of(segmenter, images)


@pytest.fixture
def branch() -> ConfidenceBranch:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return ConfidenceBranch(3).eval()


def _with(detector: Detector, part: nn.Module) -> Detector:
    detector.equip(part)
    return detector


def _fit(detector: Detector, prediction: Prediction) -> Detector:
    detector.observe(prediction, LABELS)
    detector.finish()
    return detector


def test_branch_orders_as_one_minus_the_confidence(prediction: Prediction, branch: ConfidenceBranch) -> None:
    found = _with(Branch(), branch).score(prediction).double()
    with torch.no_grad():
        confidence = branch(prediction.features)[:, 0].double().sigmoid()
    torch.testing.assert_close(found.sigmoid(), 1.0 - confidence, rtol=1e-5, atol=1e-7)


def test_branch_and_background_keep_apart_what_float32_probabilities_tie() -> None:
    """Both score at the tail where 1 - c, or p_background, is 1.0 in float32."""

    class Given(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits = torch.zeros(1, 4, 1, 2)
            logits[0, 0, 0] = torch.tensor([25.0, 30.0])
            return logits, logits, None

    branch = ConfidenceBranch(4)
    nn.init.zeros_(branch.confidence.weight)
    nn.init.zeros_(branch.confidence.bias)
    branch.confidence.weight.data[0, 0, 1, 1] = -1.0
    prediction = Prediction.of(Segmenter(Given(), NAMES), torch.zeros(1, 3, 1, 2, dtype=torch.uint8))
    for detector in (_with(Branch(), branch), Background()):
        less, more = detector.score(prediction)[0, 0].tolist()
        assert more > less


def test_ae_is_the_squared_error_of_the_reconstruction(prediction: Prediction) -> None:
    unit = prediction.images.double() / 255.0
    padded = torch.nn.functional.pad(unit.float(), (0, 0, 0, 2), mode="replicate")
    autoencoder = Autoencoder((4, 8), code=2).eval()
    reconstructed = autoencoder(padded)[:, :, :6].double()
    plain = ((unit - reconstructed) ** 2).mean(dim=1)
    torch.testing.assert_close(
        _with(AE(), autoencoder).score(prediction).double(), plain.detach(), rtol=1e-4, atol=1e-6
    )


def test_what_a_detector_needs_is_known_beforehand_and_missed_by_name(prediction: Prediction) -> None:
    detectors = [build_detector(name, {}, DETECTORS) for name in ("ae+blur", "ae", "branch", "msp")]
    assert sorted(part.name for part in trained_parts(detectors)) == ["autoencoder", "confidence_branch"]
    assert trained_parts([]) == frozenset()
    with pytest.raises(DetectorError, match="AE needs its autoencoder"):
        AE().score(prediction)
    for detector in (Dropout(), build_detector("dropout+flip", {}, DETECTORS)):
        detector.check_network(prediction.network)
    prediction.network.network.dropout.p = 0.0
    for detector in (Dropout(), build_detector("dropout+flip", {}, DETECTORS)):
        with pytest.raises(DetectorError, match="no dropout layer"):
            detector.check_network(prediction.network)
        with pytest.raises(DetectorError, match="no dropout layer"):
            detector.score(prediction)


def _plain_variance(prediction: Prediction, passes: int, seed: int) -> np.ndarray:
    network, found = prediction.network.network, []
    for index in range(len(prediction.images)):
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            network.dropout.train()
            samples = [prediction.network(prediction.images[index : index + 1])[0] for _ in range(passes)]
            network.dropout.eval()
        p = softmax(torch.stack(samples).double().numpy(), axis=2)
        found.append(p.var(axis=0).mean(axis=1))
    return np.concatenate(found)


def test_dropout_is_the_variance_over_masks_averaged_over_classes(prediction: Prediction) -> None:
    state = {name: value.clone() for name, value in prediction.network.state_dict().items()}
    expected = torch.rand(1, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    found = Dropout(passes=7, seed=2).score(prediction).numpy()
    assert torch.equal(torch.rand(1), expected)
    np.testing.assert_allclose(found, _plain_variance(prediction, 7, 2), rtol=1e-3, atol=1e-7)
    assert found.max() > 0.0
    assert not any(module.training for module in prediction.network.modules())
    assert all(torch.equal(value, state[name]) for name, value in prediction.network.state_dict().items())


def test_dropout_repeats_only_the_classifier_of_our_networks_and_leaves_the_shared_pass_alone(images: Tensor) -> None:
    config = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=16, auxiliary=False)
    segmenter = build_segmenter(config, NAMES, "none", 0).eval()
    streets = torch.randint(0, 256, (1, 3, 48, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    plain = Prediction.of(segmenter, streets).logits.clone()
    calls: list[int] = []
    segmenter.network.encoder.register_forward_hook(lambda *_: calls.append(1))
    prediction = Prediction.of(segmenter, streets)
    scores = Dropout(passes=5).score(prediction)
    assert len(calls) == 1
    assert float(scores.max()) > 0.0
    assert torch.equal(prediction.logits, plain)
    with pytest.raises(ConfigError, match="at least 2"):
        Dropout(passes=1)


def test_a_bank_is_bounded_and_a_fair_sample() -> None:
    counts = np.zeros(40)
    for seed in range(200):
        bank = FeatureBank(size=10, per_image=2, seed=seed)
        for image in range(20):
            values = torch.tensor([2.0 * image, 2.0 * image + 1]).view(1, 1, 1, 2)
            bank.add(values)
            assert len(bank.features) <= 10
        counts[bank.features[:, 0].long().numpy()] += 1
    # 200 draws with a chance of 1/4 each: mean 50, deviation 6.
    assert counts.sum() == 2000
    assert counts.min() > 25
    assert counts.max() < 75
    with pytest.raises(ConfigError, match="at least 1"):
        FeatureBank(0, 1, 0)


def test_isolation_forest_is_scikit_learns(prediction: Prediction) -> None:
    detector = _fit(IsolationForest(per_image=48, trees=20), prediction)
    features = prediction.features.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    peer = Forest(n_estimators=20, max_samples=96, random_state=0).fit(detector.state()["sample"].numpy())
    np.testing.assert_allclose(detector.score(prediction).numpy().reshape(-1), -peer.score_samples(features), rtol=1e-5)


def test_lof_is_the_ratio_of_reachability_densities(prediction: Prediction) -> None:
    detector = _fit(LOF(neighbours=5, per_image=24), prediction)
    sample = detector.state()["sample"].double().numpy()
    features = prediction.features.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    search = NearestNeighbors(n_neighbors=5).fit(sample)
    own, near = search.kneighbors()
    reach = own[:, -1]
    density = 1.0 / (np.maximum(own, reach[near]).mean(axis=1) + 1e-10)
    distance, near = search.kneighbors(features)
    plain = (density[near] * np.maximum(distance, reach[near]).mean(axis=1, keepdims=True)).mean(axis=1)
    np.testing.assert_allclose(detector.score(prediction).numpy().reshape(-1), plain, rtol=2e-3)
    with pytest.raises(ConfigError, match="at least 1 neighbour"):
        LOF(neighbours=0)


@pytest.mark.parametrize("name", ["isolation_forest", "lof"])
def test_an_empty_training_split_is_named(name: str) -> None:
    with pytest.raises(DetectorError, match="at least 2 features"):
        DETECTORS[name]().finish()


def _dense_mean_field(p: np.ndarray, sigma: float, theta: float | None, weight: float, iterations: int) -> np.ndarray:
    """Mean field over all pairs of pixels, with the exact kernel."""
    classes, height, width = p.shape
    places = np.stack(np.mgrid[:height, :width], axis=-1).reshape(-1, 2) / sigma
    flat = p.reshape(classes, -1).T
    gaps = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    if theta is not None:
        gaps = gaps + ((flat[:, None] - flat[None]) ** 2).sum(axis=2) / theta**2
    kernel = np.exp(-0.5 * gaps)
    norm = 1.0 / np.sqrt(kernel.sum(axis=1))
    kernel = norm[:, None] * kernel * norm[None]
    q = flat
    for _ in range(iterations):
        q = softmax(np.log(flat) + weight * kernel @ q, axis=1)
    return q.T.reshape(p.shape)


@pytest.mark.parametrize("theta", [None, 13.0, 3.0])
def test_mean_field_equals_the_sum_over_all_pairs(theta: float | None) -> None:
    p = softmax(2.0 * np.random.default_rng(0).normal(size=(4, 9, 11)), axis=0)
    plain = _dense_mean_field(p, 1.5, theta, 2.0, 5)
    kernel = PairwiseKernel(1.5, theta, cell=1)
    found = mean_field(torch.from_numpy(p).float().log(), kernel, 2.0, 5, 0.0).exp().numpy()
    assert np.abs(plain - p).max() > 0.1
    np.testing.assert_allclose(found, plain, atol=1e-3 if theta != 3.0 else 1e-2)


def test_cells_change_little_where_kernels_are_wide() -> None:
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(2.0 * rng.normal(size=(1, 4, 6, 8))).float()
    logits = torch.nn.functional.interpolate(coarse, size=(46, 61), mode="bilinear")[0]
    log_p = (logits + 0.5 * torch.from_numpy(rng.normal(size=(4, 46, 61))).float()).log_softmax(dim=0)
    exact = mean_field(log_p, PairwiseKernel(8.0, 13.0, cell=1), 5.0, 10, 0.0).exp()
    fast = mean_field(log_p, PairwiseKernel(8.0, 13.0, cell=3), 5.0, 10, 0.0).exp()
    assert float((exact - log_p.exp()).abs().mean()) > 0.02
    assert float((exact - fast).abs().mean()) < 0.01


def test_crf_quietens_a_lone_doubtful_pixel(prediction: Prediction) -> None:
    log_p = torch.tensor([0.97, 0.01, 0.01, 0.01]).log().view(4, 1, 1).repeat(1, 11, 11)
    log_p[:, 5, 5] = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()

    class Given(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            return log_p[None], log_p[None], None

    prediction = Prediction.of(Segmenter(Given(), NAMES), torch.zeros(1, 3, 11, 11, dtype=torch.uint8))
    before = DETECTORS["msp"]().score(prediction)[0, 5, 5]
    for kernel in ("bilateral", "gaussian"):
        assert float(CRF(kernel).score(prediction)[0, 5, 5]) < 0.5 * float(before)
    for wrong in ({"kernel": "box"}, {"theta": 1.0}, {"cell": 0}):
        with pytest.raises(ConfigError, match="crf"):
            CRF(**wrong)
