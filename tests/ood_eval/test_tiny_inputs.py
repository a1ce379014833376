"""Images smaller than a stride, of odd sizes, of one class, a single one, without anomalies: it works or says why."""

import warnings
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.detectors import DETECTORS, Detector, build_detector
from ood_eval.errors import DetectorError
from ood_eval.metrics import PROTOCOLS, make_protocol
from ood_eval.networks import Prediction, PyramidConfig, Segmenter, build_segmenter

SIZES = ((1, 1), (1, 9), (3, 5), (37, 53))
# Fewer passes and iterations, so that all stay fast.
QUICK = {"dropout": {"passes": 2}, "crf": {"iterations": 3}, "isolation_forest": {"trees": 5}}


@cache
def _segmenter() -> Segmenter:
    config = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
    return build_segmenter(config, CLASS_NAMES, "none", 0).eval()


def _images(size: tuple[int, int]) -> torch.Tensor:
    return torch.randint(0, 256, (1, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@cache
def _fitted_on_one(name: str, size: tuple[int, int]) -> Detector:
    """A detector that has seen a single image with a single class."""
    segmenter, detector = _segmenter(), build_detector(name, QUICK.get(name, {}), DETECTORS)
    if (part := detector.trained_part) is not None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            given = {"segmenter": segmenter} if part.uses_segmenter else {}
            detector.equip(part.network(**part.arguments(**given)).eval())
    if detector.fit_split is not None:
        detector.observe(Prediction.of(segmenter, _images(size)), torch.full((1, *size), 7, dtype=torch.uint8))
        detector.finish()
    return detector


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_scores_images_of_any_size_after_a_single_one(name: str, size: tuple[int, int]) -> None:
    scores = _fitted_on_one(name, (37, 53)).score(Prediction.of(_segmenter(), _images(size)))
    assert scores.shape == (1, *size)
    assert bool(torch.isfinite(scores).all())


@pytest.mark.parametrize("step", ["blur", "boundary", "smooth", "flip", "multiscale(0.5,1,of=logits)"])
@pytest.mark.parametrize("size", SIZES)
def test_every_step_follows_on_images_of_any_size(step: str, size: tuple[int, int]) -> None:
    scores = build_detector(f"maxlogit+{step}", {}, DETECTORS).score(Prediction.of(_segmenter(), _images(size)))
    assert scores.shape == (1, *size)
    assert bool(torch.isfinite(scores).all())


@pytest.mark.parametrize("name", [name for name, kind in DETECTORS.items() if kind.fit_split is not None])
def test_a_detector_fitted_on_a_single_pixel_scores_or_says_why(name: str) -> None:
    if name in {"isolation_forest", "lof"}:
        with pytest.raises(DetectorError, match="at least 2 features, not 1"):
            _fitted_on_one(name, (1, 1))
        return
    scores = _fitted_on_one(name, (1, 1)).score(Prediction.of(_segmenter(), _images((37, 53))))
    assert bool(torch.isfinite(scores).all())


def _maps(sides: tuple[int, int]) -> st.SearchStrategy[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    values = st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([0.0, -0.0, 1.0])
    return st.tuples(
        hnp.arrays(np.float32, sides, elements=values),
        hnp.arrays(np.uint8, sides, elements=st.sampled_from([0, 1, 255]))
        | hnp.arrays(np.uint8, sides, elements=st.just(0)),
    )


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=25)
@given(images=st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(_maps), min_size=1, max_size=3))
def test_every_protocol_gives_numbers_in_range_or_none(
    name: str, images: list[tuple[NDArray[np.float32], NDArray[np.uint8]]]
) -> None:
    protocol = make_protocol(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scores, anomaly in images:
            protocol.update(scores, anomaly)
        found = protocol.compute()
        if PROTOCOLS[name].keeps_maps:
            found += protocol.at_own_threshold(images, "anomaly")
    counted = any({0, 1} <= set(anomaly.reshape(-1).tolist()) for _, anomaly in images)
    for number in found:
        assert np.isnan(number.value) or 0.0 <= number.value <= 1.0, number
        assert number.images + number.skipped <= len(images)
        assert 0 <= number.pixels <= sum(anomaly.size for _, anomaly in images)
    if counted and name in {"caos", "dataset"}:
        assert not any(np.isnan(number.value) for number in found)
