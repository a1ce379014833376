"""Ranking numbers against scikit-learn, by hand, and by the laws they obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from ood_eval.errors import ConfigError, DetectorError
from ood_eval.metrics import Caos, Dataset, ScoreHistogram, make_protocol, ranking_curve
from ood_eval.metrics.keys import order_keys, scores_of_keys


def scored(size: int, seed: int, *, decimals: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    anomaly = (rng.random(size) < 0.1).astype(np.uint8)
    scores = (rng.normal(size=size) * 3.0 + anomaly).astype(np.float32)
    return (scores if decimals is None else np.round(scores, decimals).astype(np.float32)), anomaly


def sklearn_fpr95(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> float:
    fpr, tpr, _ = roc_curve(anomaly, scores, drop_intermediate=False)
    return float(fpr[np.argmax(tpr >= 0.95)])


@st.composite
def rankings(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    size = draw(st.integers(2, 60))
    values = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1.0, 2.0])
    scores = draw(hnp.arrays(np.float32, size, elements=values))
    anomaly = draw(hnp.arrays(np.uint8, size, elements=st.integers(0, 1)))
    anomaly[0], anomaly[1] = 0, 1
    return scores, anomaly


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_exact_numbers_equal_scikit_learn(decimals: int | None) -> None:
    scores, anomaly = scored(5000, 0, decimals=decimals)
    curve = ranking_curve(scores, anomaly)
    assert curve.auroc() == pytest.approx(roc_auc_score(anomaly, scores), abs=1e-12)
    assert curve.average_precision() == pytest.approx(average_precision_score(anomaly, scores), abs=1e-12)
    assert curve.fpr_at_first_recall() == pytest.approx(sklearn_fpr95(scores, anomaly), abs=1e-12)


def test_numbers_of_a_case_counted_by_hand() -> None:
    scores = np.array([4, 3, 2, 2, 1], dtype=np.float32)
    anomaly = np.array([1, 0, 1, 0, 0], dtype=np.uint8)
    curve = ranking_curve(scores, anomaly)
    assert curve.auroc() == pytest.approx((3 + 1.5) / 6)
    assert curve.average_precision() == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)
    assert curve.fpr_at_first_recall() == pytest.approx(2 / 3)
    assert curve.trapezoid_aupr() == pytest.approx(0.5 + (0.5 + 0.5) / 2 * 0.5)


def test_nearest_recall_may_lie_below_the_level() -> None:
    """With 12 anomalies, 11/12 = 0.917 is 0.033 from 0.95 and 1 is 0.05 away."""
    scores = np.arange(24, 0, -1).astype(np.float32)
    anomaly = np.array([1] * 11 + [0] * 12 + [1], dtype=np.uint8)
    curve = ranking_curve(scores, anomaly)
    # Among the thresholds of recall 11/12, the reference takes the lowest.
    assert curve.fpr_at_nearest_recall() == pytest.approx(1.0)
    assert curve.fpr_at_first_recall() == pytest.approx(1.0)
    few = np.array([1] * 11 + [1] + [0] * 12, dtype=np.uint8)
    assert ranking_curve(scores, few).fpr_at_nearest_recall() == 0.0


def hendrycks_fpr95(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> float:
    """The published definition, in the form of its authors: descending recalls, first nearest."""
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], anomaly[order].astype(float)
    ends = np.append(np.flatnonzero(np.diff(scores)), scores.size - 1)
    tps = np.cumsum(hits)[ends]
    fps = 1 + ends - tps
    recall = tps / tps[-1]
    last = int(np.searchsorted(tps, tps[-1]))
    recall, fps = recall[last::-1], fps[last::-1]
    return float(fps[np.argmin(np.abs(recall - 0.95))] / (anomaly == 0).sum())


@given(rankings())
def test_nearest_recall_is_the_published_definition(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    assert ranking_curve(*case).fpr_at_nearest_recall() == pytest.approx(hendrycks_fpr95(*case))


@given(rankings())
def test_ties_agree_with_scikit_learn(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    scores, anomaly = case
    curve = ranking_curve(scores, anomaly)
    assert curve.auroc() == pytest.approx(roc_auc_score(anomaly, scores))
    assert curve.average_precision() == pytest.approx(average_precision_score(anomaly, scores))


@given(rankings(), st.randoms(use_true_random=False))
def test_order_of_pixels_does_not_matter(case: tuple[NDArray[np.float32], NDArray[np.uint8]], shuffler) -> None:
    scores, anomaly = case
    order = list(range(scores.size))
    shuffler.shuffle(order)
    one, other = ranking_curve(scores, anomaly), ranking_curve(scores[order], anomaly[order])
    assert np.array_equal(one.true_positives, other.true_positives)
    assert np.array_equal(one.false_positives, other.false_positives)


@given(rankings())
def test_an_increasing_map_changes_nothing(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    scores, anomaly = case
    ranks = np.unique(scores, return_inverse=True)[1].astype(np.float32)
    one, other = ranking_curve(scores, anomaly), ranking_curve(ranks**3 - 7, anomaly)
    assert np.array_equal(one.true_positives, other.true_positives)


@given(rankings())
def test_auroc_of_negated_scores_is_the_complement(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    scores, anomaly = case
    assert ranking_curve(scores, anomaly).auroc() + ranking_curve(-scores, anomaly).auroc() == pytest.approx(1.0)


def test_constant_scores_are_chance() -> None:
    anomaly = np.array([0, 1, 0, 0], dtype=np.uint8)
    curve = ranking_curve(np.full(4, 3.5, dtype=np.float32), anomaly)
    assert (curve.auroc(), curve.average_precision(), curve.fpr_at_first_recall()) == (0.5, 0.25, 1.0)


@given(rankings(), st.integers(9, 20))
@settings(max_examples=200)
def test_the_bracket_holds_the_exact_value(case: tuple[NDArray[np.float32], NDArray[np.uint8]], bits: int) -> None:
    scores, anomaly = case
    histogram, exact = ScoreHistogram(bits), ranking_curve(scores, anomaly)
    histogram.update(scores, anomaly)
    pairs = (
        (histogram.auroc(), exact.auroc()),
        (histogram.average_precision(), exact.average_precision()),
        (histogram.fpr_at_first_recall(), exact.fpr_at_first_recall()),
    )
    for bracket, value in pairs:
        assert bracket.low - 1e-9 <= value <= bracket.high + 1e-9
        assert bracket.low - 1e-9 <= bracket.value <= bracket.high + 1e-9


def test_the_bracket_is_narrow_on_many_pixels() -> None:
    scores, anomaly = scored(200_000, 3)
    histogram = ScoreHistogram()
    histogram.update(scores, anomaly)
    for bracket in (histogram.auroc(), histogram.average_precision(), histogram.fpr_at_first_recall()):
        assert bracket.high - bracket.low < 1e-3


@given(rankings())
def test_parts_merge_into_the_whole(case: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    scores, anomaly = case
    whole, left, right = ScoreHistogram(12), ScoreHistogram(12), ScoreHistogram(12)
    half = scores.size // 2
    whole.update(scores, anomaly)
    left.update(scores[:half], anomaly[:half])
    right.update(scores[half:], anomaly[half:])
    right.merge(left)
    assert np.array_equal(right.known, whole.known)
    again = ScoreHistogram(12)
    again.add_sparse(right.sparse())
    assert np.array_equal(again.anomalous, whole.anomalous)


def test_keys_keep_order_and_come_back() -> None:
    scores = np.array([-3e38, -1.5, -1e-45, -0.0, 0.0, 1e-45, 2.0, 3e38], dtype=np.float32)
    keys = order_keys(scores)
    assert np.all(np.diff(keys.astype(np.int64)) >= 0)
    assert keys[3] == keys[4]
    assert np.array_equal(scores_of_keys(keys), scores)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    with pytest.raises(DetectorError, match="finite"):
        ranking_curve(np.array([1.0, bad], dtype=np.float32), np.array([0, 1], dtype=np.uint8))


def test_double_scores_are_refused() -> None:
    with pytest.raises(DetectorError, match="float32"):
        ranking_curve(np.zeros(2), np.array([0, 1], dtype=np.uint8))  # type: ignore[arg-type]


def test_void_pixels_never_count() -> None:
    scores, anomaly = scored(500, 4)
    with_void = np.concatenate([scores, np.full(100, 99.0, dtype=np.float32)])
    labels = np.concatenate([anomaly, np.full(100, 255, dtype=np.uint8)])
    assert ranking_curve(with_void, labels).auroc() == ranking_curve(scores, anomaly).auroc()


def test_caos_averages_images_and_counts_the_skipped() -> None:
    protocol = Caos()
    images = [scored(300, seed) for seed in (1, 2)]
    for scores, anomaly in images:
        protocol.update(scores, anomaly)
    protocol.update(images[0][0], np.zeros(300, dtype=np.uint8))
    auroc, aupr, _ = protocol.compute()
    assert auroc.value == pytest.approx(np.mean([roc_auc_score(a, s) for s, a in images]))
    assert aupr.value == pytest.approx(np.mean([average_precision_score(a, s) for s, a in images]))
    assert (auroc.images, auroc.pixels, auroc.skipped) == (2, 600, 1)


def test_caos_without_any_anomaly_is_undefined() -> None:
    protocol = Caos()
    protocol.update(np.zeros(4, dtype=np.float32), np.zeros(4, dtype=np.uint8))
    assert all(np.isnan(number.value) and number.skipped == 1 for number in protocol.compute())


def test_dataset_pools_all_pixels() -> None:
    protocol = Dataset()
    images = [scored(3000, seed) for seed in (1, 2)]
    for scores, anomaly in images:
        protocol.update(scores, anomaly)
    scores, anomaly = (np.concatenate(part) for part in zip(*images, strict=True))
    auroc, aupr, fpr95 = protocol.compute()
    assert auroc.low <= roc_auc_score(anomaly, scores) <= auroc.high
    assert aupr.low <= average_precision_score(anomaly, scores) <= aupr.high
    assert fpr95.low <= sklearn_fpr95(scores, anomaly) <= fpr95.high


@pytest.mark.parametrize("name", ["caos", "dataset"])
def test_a_protocol_merges_and_survives_storage(name: str) -> None:
    whole, left, right, stored = (make_protocol(name) for _ in range(4))
    for seed in range(4):
        case = scored(400, seed)
        whole.update(*case)
        (left if seed % 2 else right).update(*case)
    left.merge(right)
    stored.add_state(left.state())
    for one, other in zip(whole.compute(), stored.compute(), strict=True):
        assert one.value == pytest.approx(other.value)
        assert (one.images, one.pixels) == (other.images, other.pixels)


def test_protocols_do_not_mix() -> None:
    with pytest.raises(ConfigError, match="cannot merge"):
        Caos().merge(Dataset())
    with pytest.raises(ConfigError, match="unknown protocol"):
        make_protocol("caso")


def test_pytorch_ood_agrees_on_one_image() -> None:
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("pytorch_ood.metrics").OODMetrics
    scores, anomaly = scored(4000, 5)
    peer = metrics()
    peer.update(torch.from_numpy(scores), torch.from_numpy(np.where(anomaly == 1, -1, 0)))
    found = peer.compute()
    curve = ranking_curve(scores, anomaly)
    assert float(found["AUROC"]) == pytest.approx(curve.auroc(), abs=1e-5)
    assert float(found["FPR95TPR"]) == pytest.approx(curve.fpr_at_first_recall(), abs=1e-5)
