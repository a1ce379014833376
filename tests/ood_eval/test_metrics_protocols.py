"""Each protocol against its peer's definition on small cases, ties included; operating points; open-set mIoU."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, f1_score, precision_recall_curve, roc_auc_score, roc_curve

from ood_eval.errors import ConfigError, DetectorError
from ood_eval.metrics import (
    PROTOCOLS,
    TRACKS,
    Components,
    Dataset,
    EdgeCounts,
    OpenConfusion,
    ScoreHistogram,
    Smiyc,
    above_recall_point,
    best_f1_point,
    chance_numbers,
    make_protocol,
    open_miou,
    ranking_curve,
    recall_point,
)
from ood_eval.metrics.keys import scores_of_keys
from ood_eval.metrics.smiyc import quantised

Case = tuple[NDArray[np.float32], NDArray[np.uint8]]


@st.composite
def rankings(draw: st.DrawFn) -> Case:
    size = draw(st.integers(2, 60))
    values = st.floats(-1e4, 1e4, width=32) | st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0])
    scores = draw(hnp.arrays(np.float32, size, elements=values))
    anomaly = draw(hnp.arrays(np.uint8, size, elements=st.sampled_from([0, 1])))
    anomaly[0], anomaly[1] = 0, 1
    return scores, anomaly


def case(size: int = 4000, seed: int = 0, decimals: int | None = None, void: float = 0.0) -> Case:
    rng = np.random.default_rng(seed)
    anomaly = (rng.random(size) < 0.1).astype(np.uint8)
    scores = (rng.normal(size=size) * 3.0 + 2.0 * anomaly).astype(np.float32)
    anomaly[rng.random(size) < void] = 255
    return (scores if decimals is None else np.round(scores, decimals).astype(np.float32)), anomaly


def trapezoid(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> float:
    precision, recall, _ = precision_recall_curve(anomaly, scores)
    return float(auc(recall, precision))


def walked(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> float:
    """RbA's loop: the first point of the curve above 0.95."""
    fpr, tpr, _ = roc_curve(anomaly, scores, drop_intermediate=False)
    return next(float(f) for f, t in zip(fpr, tpr, strict=True) if t > 0.95)


def interpolated(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> float:
    fpr, tpr, _ = roc_curve(anomaly, scores, drop_intermediate=False)
    return float(np.interp(0.95, tpr, fpr))


def numbers(name: str, *images: Case) -> dict[str, float]:
    protocol = make_protocol(name)
    for image in images:
        protocol.update(*image)
    return {number.metric: number.value for number in protocol.compute()}


@given(rankings())
def test_the_variants_of_fpr95_are_their_definitions(image: Case) -> None:
    curve = ranking_curve(*image)
    assert curve.fpr_above_recall() == pytest.approx(walked(*image))
    assert curve.fpr_interpolated() == pytest.approx(interpolated(*image), abs=1e-9)
    assert curve.trapezoid_aupr() == pytest.approx(trapezoid(*image))


def test_the_four_variants_differ_where_recall_meets_the_level() -> None:
    """Twenty anomalies, one missed until last: recall is exactly 0.95 over thresholds with 1, 2 and 3 false alarms."""
    anomaly = np.array([1] * 18 + [0] + [1] + [0, 0, 1] + [0] * 7, dtype=np.uint8)
    curve = ranking_curve(np.arange(30, 0, -1).astype(np.float32), anomaly)
    assert curve.fpr_at_first_recall() == pytest.approx(1 / 10)
    assert curve.fpr_above_recall() == pytest.approx(3 / 10)
    assert curve.fpr_at_nearest_recall() == pytest.approx(3 / 10)
    assert curve.fpr_interpolated() == pytest.approx(3 / 10)


@given(rankings(), st.integers(9, 20))
@settings(max_examples=200)
def test_every_bracket_holds_the_exact_value(image: Case, bits: int) -> None:
    histogram, exact = ScoreHistogram(bits), ranking_curve(*image)
    histogram.update(*image)
    pairs = (
        (histogram.fpr_above_recall(), exact.fpr_above_recall()),
        (histogram.fpr_interpolated(), exact.fpr_interpolated()),
        (histogram.trapezoid_aupr(), exact.trapezoid_aupr()),
    )
    for bracket, value in pairs:
        assert bracket.low - 1e-9 <= value <= bracket.high + 1e-9
        assert bracket.low - 1e-9 <= bracket.value <= bracket.high + 1e-9


@given(rankings(), st.sampled_from(["cube", "rank", "sigmoid"]))
def test_an_increasing_map_keeps_the_exact_value_inside_every_bracket(image: Case, kind: str) -> None:
    scores, anomaly = image
    ranks = np.unique(scores, return_inverse=True)[1].astype(np.float64)
    mapped = {"cube": (ranks - 7) ** 3, "rank": ranks, "sigmoid": 1 / (1 + np.exp(-ranks / 8))}[kind].astype(np.float32)
    exact = ranking_curve(scores, anomaly)
    protocol = Dataset(12)
    protocol.update(mapped, anomaly)
    values = (exact.auroc(), exact.average_precision(), exact.fpr_at_first_recall())
    for number, value in zip(protocol.compute(), values, strict=True):
        assert number.low - 1e-9 <= value <= number.high + 1e-9


@given(rankings(), st.permutations(range(4)))
def test_parts_merge_in_any_order_to_the_same_bracket(image: Case, order: list[int]) -> None:
    whole, merged = ScoreHistogram(12), ScoreHistogram(12)
    whole.update(*image)
    for part in order:
        piece = ScoreHistogram(12)
        piece.update(image[0][part::4], image[1][part::4])
        merged.merge(piece)
    assert (merged.auroc(), merged.average_precision(), merged.trapezoid_aupr()) == (
        whole.auroc(), whole.average_precision(), whole.trapezoid_aupr(),
    )  # fmt: skip


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_pooled_protocols_are_their_peers(decimals: int | None) -> None:
    images = [case(3000, seed, decimals, void=0.2) for seed in (1, 2)]
    scores, anomaly = (np.concatenate(part) for part in zip(*images, strict=True))
    scores, anomaly = scores[anomaly != 255], anomaly[anomaly != 255]
    near = {"abs": 2e-3}
    fpr, tpr, _ = roc_curve(anomaly, scores, drop_intermediate=False)
    area, precision = roc_auc_score(anomaly, scores), average_precision_score(anomaly, scores)
    for name in ("dataset", "fishyscapes"):
        found = numbers(name, *images)
        expected = (area, precision, float(fpr[np.argmax(tpr >= 0.95)]))
        assert tuple(found.values()) == pytest.approx(expected, **near)
    assert numbers("rba", *images)["fpr95"] == pytest.approx(walked(scores, anomaly), **near)
    found = numbers("interp", *images)
    assert found["aupr"] == pytest.approx(trapezoid(scores, anomaly), **near)
    assert found["ap"] == pytest.approx(precision, **near)
    assert found["fpr95"] == pytest.approx(interpolated(scores, anomaly), **near)


def test_caos_counts_void_as_known_and_pytorch_ood_drops_it() -> None:
    scores, anomaly = case(2000, 3, void=0.3)
    filled = np.where(anomaly == 255, 0, anomaly)
    assert numbers("caos", (scores, anomaly))["auroc"] == pytest.approx(roc_auc_score(filled, scores))
    kept = anomaly != 255
    assert numbers("pytorch_ood", (scores, anomaly))["auroc"] == pytest.approx(
        roc_auc_score(anomaly[kept], scores[kept])
    )


def test_pytorch_ood_averages_its_images_as_the_peer_does() -> None:
    """Images without an anomaly, without a known pixel and with void ones only among them: skipped by both."""
    torch = pytest.importorskip("torch")
    peer = pytest.importorskip("pytorch_ood.metrics").OODPerImageSegmentationMetrics(void_label=255)
    images = [case(3000, seed, 1, void=0.1) for seed in (1, 2, 3)]
    images += [(images[0][0], np.full(3000, kind, dtype=np.uint8)) for kind in (0, 1, 255)]
    for scores, anomaly in images:
        labels = np.where(anomaly == 1, -1, anomaly.astype(int))
        peer.update(torch.from_numpy(scores)[None], torch.from_numpy(labels)[None])
    with pytest.warns(UserWarning, match="Skipped 3 of 6 images"):
        theirs = peer.compute()
    protocol = make_protocol("pytorch_ood")
    for image in images:
        protocol.update(*image)
    ours = {number.metric: number for number in protocol.compute()}
    for their, own in (("AUROC", "auroc"), ("AUPR-OUT", "aupr"), ("FPR95TPR", "fpr95")):
        assert ours[own].value == pytest.approx(theirs[their], abs=1e-9)
        assert (ours[own].images, ours[own].skipped) == (3, 3)


@pytest.mark.parametrize("name", sorted(set(PROTOCOLS) - {"caos", "pytorch_ood"}))
def test_pooled_protocols_include_images_of_one_class(name: str) -> None:
    protocol = make_protocol(name)
    scores, anomaly = case()
    protocol.update(scores, anomaly)
    protocol.update(np.linspace(40.0, 60.0, 500, dtype=np.float32), np.zeros(500, dtype=np.uint8))
    with_it = {number.metric: number for number in protocol.compute()}
    assert with_it["auroc"].images == 2
    assert with_it["auroc"].pixels == 4500
    assert with_it["aupr"].value < numbers(name, (scores, anomaly))["aupr"] - 0.05


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_protocol_merges_survives_storage_and_never_sees_a_class_it_lacks(name: str) -> None:
    whole, left, right, stored = (make_protocol(name) for _ in range(4))
    for seed in range(4):
        image = case(400, seed, void=0.1)
        whole.update(*image)
        (left if seed % 2 else right).update(*image)
    left.merge(right)
    stored.add_state(left.state())
    for one, other in zip(whole.compute(), stored.compute(), strict=True):
        assert one.value == pytest.approx(other.value)
        assert (one.images, one.pixels, one.skipped) == (other.images, other.pixels, other.skipped)
    empty = make_protocol(name)
    empty.update(np.zeros(5, dtype=np.float32), np.full(5, 255, dtype=np.uint8))
    assert all(np.isnan(number.value) for number in empty.compute())
    with pytest.raises(DetectorError, match="finite"):
        empty.update(np.array([np.nan, 1], dtype=np.float32), np.array([0, 1], dtype=np.uint8))


def test_protocols_of_one_count_share_it_and_others_do_not() -> None:
    pooled = make_protocol("dataset")
    pooled.update(*case())
    reading = make_protocol("rba")
    reading.add_state(pooled.state())
    assert reading.compute()[0] == pooled.compute()[0]
    assert {PROTOCOLS[name].counts_as for name in ("dataset", "fishyscapes", "rba", "interp")} == {"pooled"}
    with pytest.raises(ConfigError, match="cannot merge"):
        pooled.merge(Smiyc())
    with pytest.raises(ConfigError, match="cannot merge"):
        make_protocol("caos").merge(make_protocol("pytorch_ood"))


def test_smiyc_bins_are_quantiles_of_both_classes() -> None:
    scores, anomaly = case(20_000)
    rows = quantised(scores, anomaly)
    assert 384 < len(rows) <= 768
    assert rows[:, 1:].sum(axis=0).tolist() == [int((anomaly == kind).sum()) for kind in (0, 1)]
    edges = scores_of_keys(rows[:, 0].astype(np.uint32))
    assert edges[0] == scores.min()
    assert edges[-1] == scores.max()
    assert rows[-1, 1:].sum() == 1, "the highest score has a bin of its own"
    exact = numbers("dataset", (scores, anomaly))
    for metric, value in exact.items():
        assert numbers("smiyc", (scores, anomaly))[metric] == pytest.approx(value, abs=5e-3)


def _as_the_tool(images: list[Case]) -> tuple[float, float, float, float]:
    """AP, FPR95, best F1 and its threshold by SMIYC's recipe in plain numpy: bins per image, then one sorted list."""
    edges_of, positive, negative = [], [], []
    for scores, anomaly in images:
        groups = [scores[anomaly == kind] for kind in (1, 0)]
        quantiles = [np.quantile(g, np.linspace(0, 1, min(384, g.size))) for g in groups if g.size]
        beyond = max(float(scores.max() - scores.min()) * 1e-2, 1e-2)
        edges = np.unique(np.concatenate([*quantiles, [scores.min() - beyond, scores.max() + beyond]]))
        counts = [np.histogram(group, bins=edges)[0] for group in groups]
        edges_of.append(edges[:-1])
        positive.append(counts[0])
        negative.append(counts[1])
    thresholds = np.concatenate(edges_of)
    order = np.argsort(-thresholds, kind="stable")
    tp, fp = (np.cumsum(np.concatenate(part)[order]) for part in (positive, negative))
    last = np.append(np.flatnonzero(np.diff(thresholds[order])), len(order) - 1)
    tp, fp, levels = tp[last], fp[last], thresholds[order][last]
    precision, recall = tp / np.maximum(tp + fp, 1), tp / tp[-1]
    f1 = 2 * tp / (tp + fp + tp[-1])
    place = int(np.argmax(f1))
    ap = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return ap, float(fp[np.searchsorted(recall, 0.95)] / fp[-1]), float(f1[place]), float(levels[place])


@pytest.mark.parametrize("shift", [0.0, 100.0, -0.5])
@pytest.mark.parametrize("anomalous", [1, 20, 5000])
def test_smiyc_is_the_tools_recipe_to_the_rounding_of_edges(anomalous: int, shift: float) -> None:
    rng = np.random.default_rng(anomalous)
    images = []
    protocol = Smiyc()
    for number in range(6):
        anomaly = np.zeros(30_000, dtype=np.uint8)
        anomaly[: anomalous if number else 0] = 1
        scores = (rng.normal(shift, 2.0, anomaly.size) + 3.0 * anomaly).astype(np.float32)
        images.append((scores, anomaly))
        protocol.update(scores, anomaly)
    ap, fpr95, f1, threshold = _as_the_tool(images)
    found = {number.metric: number for number in protocol.compute()}
    for metric, value in (("aupr", ap), ("fpr95", fpr95), ("best_f1", f1)):
        assert found[metric].value == pytest.approx(value, rel=1e-5 if shift else 1e-7)
        assert found[metric].low == found[metric].value == found[metric].high
    point = best_f1_point(protocol.histogram)
    assert point is not None
    # A float32 below or at the tool's threshold, so that as many scores lie above it.
    assert point.threshold <= threshold < float(np.nextafter(np.float32(point.threshold), np.float32(np.inf)))
    shaped = [(scores.reshape(150, 200), anomaly.reshape(150, 200)) for scores, anomaly in images]
    ours = {number.metric: number for number in protocol.at_own_threshold(shaped, "obstacle")}
    theirs = Components(TRACKS["obstacle"])
    for scores, anomaly in shaped:
        theirs.update((scores.astype(np.float64) > threshold).astype(np.float32), anomaly, 0.5)
    for number in theirs.compute():
        one = ours[number.metric]
        np.testing.assert_equal([one.low, one.value, one.high], [number.value] * 3)


def test_smiyc_on_scores_of_few_values_keeps_their_order() -> None:
    scores = np.array([1, 1, 2, 3, 3, 3], dtype=np.float32)
    anomaly = np.array([0, 0, 0, 1, 1, 255], dtype=np.uint8)
    found = numbers("smiyc", (scores, anomaly))
    assert found["auroc"] == found["best_f1"] == 1.0


def test_smiyc_rounds_edges_where_there_are_too_many_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [case(20_000, seed) for seed in range(5)]
    exact = Smiyc()
    monkeypatch.setattr(EdgeCounts.__init__, "__defaults__", (1000,))
    parts = [Smiyc() for _ in range(5)]
    whole, backwards = Smiyc(), Smiyc()
    for part, image in zip(parts, images, strict=True):
        exact.update(*image)
        whole.update(*image)
        part.update(*image)
    for part in reversed(parts):
        backwards.merge(part)
    stored = Smiyc()
    stored.add_state(whole.state())
    assert whole.compute() == backwards.compute() == stored.compute()
    for one, real in zip(whole.compute(), exact.compute(), strict=True):
        assert one.low <= real.value <= one.high
        assert one.low < one.high
    shaped = [(scores.reshape(100, 200), anomaly.reshape(100, 200)) for scores, anomaly in images]
    assert {(number.low, number.high) for number in whole.at_own_threshold(shaped, "obstacle")} == {(0.0, 1.0)}


def test_rounded_counts_are_the_same_in_whatever_order_they_are_merged() -> None:
    scores = (np.geomspace(1e-20, 1e20, 60), np.arange(6), np.array([-3.0, 7.0, 1e-9, 500.0, -1e9, 1e9]))
    images = [(each.astype(np.float32), (np.arange(each.size) % 2).astype(np.uint8)) for each in scores]
    at_once = EdgeCounts(most=4)
    for image in images:
        at_once.update(*image)
    assert len(at_once.sparse()) <= 4
    for order in itertools.permutations(images):
        parts = [EdgeCounts(most=4) for _ in order]
        for part, image in zip(parts, order, strict=True):
            part.update(*image)  # rounded when it is first looked at, which is while another is merged into it
        for part in parts[1:]:
            parts[0].merge(part)
        np.testing.assert_array_equal(parts[0].sparse(), at_once.sparse())
        assert parts[0].bits == at_once.bits


def test_chance_is_what_random_scores_give() -> None:
    rng = np.random.default_rng(0)
    images = []
    for share in (0.02, 0.2, 0.0):
        anomaly = (rng.random(200_000) < share).astype(np.uint8)
        anomaly[rng.random(anomaly.size) < 0.1] = 255
        images.append((rng.random(anomaly.size).astype(np.float32), anomaly))
    counts = [np.array([int((anomaly == kind).sum()) for _, anomaly in images]) for kind in (0, 1, 255)]
    for name in PROTOCOLS:
        protocol = make_protocol(name)
        for image in images:
            protocol.update(*image)
        found = {number.metric: number for number in protocol.compute()}
        chance = chance_numbers(protocol.metrics, protocol.base_rate(*counts), found["auroc"])
        assert {number.metric for number in chance} == set(found)
        for number in chance:
            assert found[number.metric].value == pytest.approx(number.value, abs=0.01)
            assert number.images == found[number.metric].images
    assert np.isnan(make_protocol("dataset").base_rate(*(np.array([n]) for n in (5, 0, 0))))
    assert np.isnan(make_protocol("caos").base_rate(*(np.array([n]) for n in (5, 0, 0))))


def test_operating_points_against_scikit_learn() -> None:
    scores, anomaly = case(5000, 1, 1)
    histogram = ScoreHistogram(24)
    histogram.update(scores, anomaly)
    best = best_f1_point(histogram)
    assert best is not None
    every = {float(t): f1_score(anomaly, scores >= t) for t in np.unique(scores)}
    assert best.f1 == pytest.approx(max(every.values()))
    assert f1_score(anomaly, scores >= best.threshold) == pytest.approx(best.f1)
    point = recall_point(histogram)
    assert point is not None
    called = scores >= point.threshold
    assert point.recall == pytest.approx(called[anomaly == 1].mean())
    assert point.fpr == pytest.approx(called[anomaly == 0].mean())
    assert point.recall >= 0.95
    assert point.precision == pytest.approx(anomaly[called].mean())


def test_operating_points_need_both_classes() -> None:
    histogram = ScoreHistogram()
    histogram.update(np.zeros(3, dtype=np.float32), np.zeros(3, dtype=np.uint8))
    assert best_f1_point(histogram) is recall_point(histogram) is above_recall_point(histogram) is None


def test_open_miou_charges_flags_and_misses() -> None:
    town = OpenConfusion(2)
    classes = np.array([[0, 0, 1, 1, 255, 255]], dtype=np.uint8)
    anomaly = np.array([[0, 0, 0, 0, 1, 255]], dtype=np.uint8)
    predicted = np.array([[0, 0, 1, 0, 1, 1]])
    flagged = np.array([[False, True, False, False, False, False]])
    town.update(predicted, flagged, classes, anomaly)
    # Class 0: one hit, one flagged, one of class 1 called 0. Class 1: one hit, one lost, one anomaly called 1.
    assert town.mean_iou() == pytest.approx((1 / 3 + 1 / 3) / 2)
    other = OpenConfusion(2)
    for _ in range(3):
        other.update(predicted[:, :1], flagged[:, :1], classes[:, :1], anomaly[:, :1])
    assert other.mean_iou() == 1.0
    assert open_miou([town, other]) == pytest.approx((1 / 3 + 3 * 1.0) / 4)
    assert np.isnan(open_miou([]))
    assert np.isnan(OpenConfusion(2).mean_iou())
