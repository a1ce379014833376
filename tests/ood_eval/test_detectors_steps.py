"""Steps after a detector: their names, their formulas, and that they keep the contract."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, correlate, grey_dilation, grey_erosion
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ood_eval.detectors import DETECTORS, Detector, build_detector, check_detector, detector_label
from ood_eval.detectors.processed import Processed
from ood_eval.detectors.steps import STEPS
from ood_eval.detectors.steps.boundary import class_borders, suppress_boundaries
from ood_eval.detectors.steps.gaussian import gaussian_smooth
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks import Prediction, Segmenter
from ood_eval.networks.averaged import resized

NAMES = ("unlabeled", "road", "car", "sky")


class Strided(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.head = nn.Conv2d(3, len(NAMES), 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        self.calls += 1
        logits = 3.0 * self.head(images)
        return logits, logits.relu(), None


@pytest.fixture
def prediction() -> Prediction:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        segmenter = Segmenter(Strided(), NAMES).eval()
    images = torch.randint(0, 256, (2, 3, 20, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Prediction.of(segmenter, images)


@pytest.mark.parametrize(
    ("name", "options", "label"),
    [
        ("msp", {}, "msp"),
        ("maxlogit+blur(7,1)", {}, "maxlogit+blur(7,1)"),
        ("maxlogit+blur(7,1.00000012)", {}, "maxlogit+blur(7,1.00000012)"),
        ("maxlogit + blur", {}, "maxlogit+blur(7,1)"),
        ("maxlogit+blur(5, sigma=1.5)+flip", {}, "maxlogit+blur(5,1.5)+flip"),
        ("maxlogit+multiscale(0.5,1,of=logits)", {}, "maxlogit+multiscale(0.5,1,of=logits)"),
        ("msp+multiscale(of=scores)", {}, "msp+multiscale(0.5,0.75,1,1.25,1.5,of=scores)"),
        ("knn+smooth+boundary", {"k": 3}, "knn(k=3)+smooth(7,1,6)+boundary(4)"),
        ("energy(temperature=2.0)+flip", {}, "energy(temperature=2.0)+flip"),
        ("ood_eval.detectors.msp:MSP+flip", {}, "ood_eval.detectors.msp:MSP+flip"),
        ("background(class_name=traffic sign,inverted=true)", {}, "background(class_name=traffic sign,inverted=True)"),
    ],
)
def test_a_label_says_everything_and_is_itself_a_name(name: str, options: dict, label: str) -> None:
    assert detector_label(name, options) == label
    assert detector_label(label, {}) == label
    assert isinstance(build_detector(name, options, DETECTORS), Detector)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("msp+blurr", DetectorError, "did you mean blur"),
        ("msp+", DetectorError, "not written as"),
        ("msp+blur(7", DetectorError, "not written as"),
        ("knn(3)", DetectorError, "go by name"),
        ("msp+blur(6,1)", ConfigError, "odd size"),
        ("msp+blur(7,0)", ConfigError, "sigma above 0"),
        ("msp+blur(7,1,2)", ConfigError, "takes size, sigma"),
        ("msp+smooth(7,1,1.5)", ConfigError, "dilation must be a whole number"),
        ("msp+boundary(1.5)", ConfigError, "width must be a whole number"),
        ("msp+multiscale(inf,of=logits)", ConfigError, "scales must be"),
        ("knn(k=1.5)", ConfigError, "k must be a whole number"),
        ("knn(k=many)", ConfigError, "k must be a whole number"),
        ("crf(weight=nan)", ConfigError, "finite"),
        ("energy(temperature=inf)", ConfigError, "finite"),
        ("odin(temperature=0)", ConfigError, "temperature > 0"),
        ("odin(temperature=-1)", ConfigError, "temperature > 0"),
        ("isolation_forest(trees=0)", ConfigError, "at least 1 tree"),
        ("mahalanobis(ridge=0)", ConfigError, "above zero"),
        ("background(inverted=3)", ConfigError, "true or false"),
        ("msp+smooth(7,1,0)", ConfigError, "kernel"),
        ("msp+boundary(0)", ConfigError, "at least 1"),
        ("msp+multiscale(0.5,1)", ConfigError, "of=logits"),
        ("msp+multiscale(of=softmax)", ConfigError, "not one of logits, probabilities, scores"),
        ("msp+multiscale(0,of=logits)", ConfigError, "above 0"),
        ("odin+multiscale(of=logits)", ConfigError, "ODIN does not read"),
        ("ae+multiscale(of=probabilities)", ConfigError, "AE does not read"),
        ("msps+blur", DetectorError, "did you mean msp"),
    ],
)
def test_wrong_names_are_answered_in_one_line(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as found:
        build_detector(name, {}, DETECTORS)
    assert "\n" not in str(found.value)


def test_an_option_is_given_once() -> None:
    with pytest.raises(ConfigError, match="temperature is given"):
        build_detector("energy(temperature=2)", {"temperature": 3.0}, DETECTORS)


FAST = {"isolation_forest": {"trees": 5}, "dropout": {"passes": 3}, "crf": {"iterations": 3}}
CONTRACT = [
    *(f"maxlogit+{step}" for step in ("blur", "flip", "smooth", "boundary")),
    "knn+multiscale(0.5,1,of=logits)",
    "kl_matching+multiscale(0.5,1,of=probabilities)+blur",
    "mahalanobis+multiscale(0.5,1,of=scores)+flip",
    "branch+flip",
    "ae+blur(7,1)",
    "standardized_max_logits(boundary=false)+multiscale(0.5,1,of=logits)",
]


@pytest.mark.parametrize("name", CONTRACT)
def test_detectors_with_steps_keep_the_contract(name: str) -> None:
    check_detector(lambda: build_detector(name, {}, DETECTORS), name)


@pytest.mark.parametrize("step", ["blur", "flip", "smooth", "boundary", "multiscale(0.5,1,of=scores)"])
@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_takes_every_step(name: str, step: str) -> None:
    check_detector(lambda: build_detector(f"{name}+{step}", FAST.get(name, {}), DETECTORS), name)


def test_a_whole_float_is_a_whole_number() -> None:
    assert build_detector("dropout(passes=1e2)", {}, DETECTORS).passes == 100  # type: ignore[attr-defined]


def test_every_step_is_checked() -> None:
    assert all(any(f"+{step}" in name for name in CONTRACT) for step in STEPS)


def test_the_check_refuses_a_broken_step(prediction: Prediction) -> None:
    class Leaky(STEPS["blur"]):  # type: ignore[misc]
        """Takes the mean of a whole batch away."""

        def score(self, inner, prediction: Prediction) -> Tensor:
            scores = inner(prediction)
            return scores - scores.mean()

    with pytest.raises(DetectorError, match="one by one"):
        check_detector(lambda: Processed(DETECTORS["maxlogit"](), [Leaky()]))


def _kernel(size: int, sigma: float, dilation: int) -> np.ndarray:
    taps = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    square = np.outer(taps, taps) / taps.sum() ** 2
    wide = np.zeros(((size - 1) * dilation + 1,) * 2)
    wide[::dilation, ::dilation] = square
    return wide


@pytest.mark.parametrize("dilation", [1, 6])
def test_smoothing_is_a_correlation_with_replicated_edges(dilation: int) -> None:
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 40, 50))).float()
    plain = np.stack([correlate(one.double().numpy(), _kernel(7, 1.0, dilation), mode="nearest") for one in scores])
    np.testing.assert_allclose(gaussian_smooth(scores, 7, 1.0, dilation).numpy(), plain, atol=1e-5)


def test_blur_follows_the_detector(prediction: Prediction) -> None:
    plain = DETECTORS["maxlogit"]().score(prediction)
    found = build_detector("maxlogit+blur(5,2)+smooth(3,1,2)", {}, DETECTORS).score(prediction)
    torch.testing.assert_close(found, gaussian_smooth(gaussian_smooth(plain, 5, 2.0), 3, 1.0, 2))


def _plain_suppression(scores: np.ndarray, classes: np.ndarray, width: int) -> np.ndarray:
    plus = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    low = np.pad(classes, 1, constant_values=-1)
    high = np.pad(classes, 1, constant_values=99)
    wide = grey_dilation(low, footprint=plus)[1:-1, 1:-1]
    narrow = grey_erosion(high, size=(3, 3))[1:-1, 1:-1]
    border = wide != narrow
    for radius in range(width - 1, -1, -1):
        mask = binary_dilation(border, plus, iterations=radius) if radius else border
        result = scores.copy()
        for row, column in zip(*np.nonzero(mask), strict=True):
            near = [
                (min(max(row + i, 0), len(scores) - 1), min(max(column + j, 0), scores.shape[1] - 1))
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
            ]
            values = [scores[place] for place in near if not mask[place]]
            if values:
                result[row, column] = np.mean(values)
        scores = result
    return scores


@pytest.mark.parametrize("width", [1, 2, 4])
def test_boundaries_are_suppressed_from_the_outside_in(width: int) -> None:
    rng = np.random.default_rng(0)
    classes = np.kron(rng.integers(0, 4, size=(3, 3)), np.ones((12, 14), dtype=int))
    scores = rng.normal(size=classes.shape)
    found = suppress_boundaries(torch.from_numpy(scores)[None].float(), torch.from_numpy(classes)[None], width)
    plain = _plain_suppression(scores, classes, width)
    assert np.abs(plain - scores).max() > 0.5
    np.testing.assert_allclose(found[0].numpy(), plain, atol=1e-4)
    untouched = torch.from_numpy(classes)[None] * 0
    assert float(class_borders(untouched).sum()) == 0.0


def test_flip_averages_an_image_and_its_mirror_image(prediction: Prediction) -> None:
    detector = DETECTORS["energy"]()
    mirrored = Prediction.of(prediction.network, prediction.images.flip(3))
    plain = (detector.score(prediction) + detector.score(mirrored).flip(2)) / 2
    torch.testing.assert_close(build_detector("energy+flip", {}, DETECTORS).score(prediction), plain)


def _coarse(prediction: Prediction, scale: float) -> Tensor:
    with torch.no_grad():
        logits, _, _ = prediction.network(resized(prediction.images, scale))
    return interpolate(logits, size=(20, 28), mode="bilinear", align_corners=False)


def test_multiscale_says_what_it_averages(prediction: Prediction) -> None:
    logits = np.mean([_coarse(prediction, scale).double().numpy() for scale in (0.5, 1.0)], axis=0)
    p = np.mean([softmax(_coarse(prediction, scale).double().numpy(), axis=1) for scale in (0.5, 1.0)], axis=0)

    def score(name: str) -> np.ndarray:
        return build_detector(name, {}, DETECTORS).score(prediction).numpy()

    np.testing.assert_allclose(score("maxlogit+multiscale(0.5,1,of=logits)"), -logits.max(axis=1), atol=1e-4)
    np.testing.assert_allclose(score("msp+multiscale(0.5,1,of=logits)"), 1 - softmax(logits, 1).max(1), atol=1e-4)
    np.testing.assert_allclose(score("msp+multiscale(0.5,1,of=probabilities)"), 1 - p.max(axis=1), atol=1e-4)
    np.testing.assert_allclose(score("maxlogit+multiscale(0.5,1,of=probabilities)"), -np.log(p.max(axis=1)), atol=1e-3)
    small = Prediction.of(prediction.network, resized(prediction.images, 0.5))
    half = DETECTORS["maxlogit"]().score(small)[:, None]
    half = interpolate(half, size=(20, 28), mode="bilinear", align_corners=False)[:, 0]
    plain = (half + DETECTORS["maxlogit"]().score(prediction)) / 2
    np.testing.assert_allclose(score("maxlogit+multiscale(0.5,1,of=scores)"), plain.numpy(), atol=1e-4)


def test_views_are_shared_and_mirror_images_of_averages_are_averages(prediction: Prediction) -> None:
    network = prediction.network.network
    for name in ("msp", "energy", "knn"):
        detector = build_detector(f"{name}+multiscale(0.5,1,of=logits)", {}, DETECTORS)
        detector.observe(prediction, torch.zeros(2, 20, 28, dtype=torch.uint8))
        detector.finish()
        detector.score(prediction)
    assert network.calls == 1 + 2  # the plain prediction, and one a scale
    one = build_detector("msp+flip+multiscale(0.5,1,of=logits)", {}, DETECTORS).score(prediction)
    other = build_detector("msp+multiscale(0.5,1,of=logits)+flip", {}, DETECTORS).score(prediction)
    torch.testing.assert_close(one, other)


def test_resizing_keeps_the_mean_and_scale_one_keeps_the_image() -> None:
    images = torch.randint(0, 256, (1, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert resized(images, 1.0) is images
    assert resized(images, 0.5).shape == (1, 3, 20, 20)
    assert float(resized(images, 0.5).float().mean()) == pytest.approx(float(images.float().mean()), abs=2.0)
