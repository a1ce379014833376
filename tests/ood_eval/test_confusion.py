"""Segmentation quality."""

import numpy as np
import pytest

from ood_eval.errors import DataError
from ood_eval.metrics import Confusion


def test_iou_of_a_case_counted_by_hand() -> None:
    confusion = Confusion(3)
    confusion.update(np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 255]], dtype=np.uint8))
    assert confusion.iou()[:2].tolist() == [0.5, 0.5]
    assert np.isnan(confusion.iou()[2])
    assert confusion.mean_iou() == 0.5
    assert confusion.accuracy() == pytest.approx(2 / 3)


def test_a_class_outside_the_table_is_refused() -> None:
    with pytest.raises(DataError, match="class 7"):
        Confusion(3).update(np.array([[0]]), np.array([[7]], dtype=np.uint8))


def test_nothing_counted_is_undefined() -> None:
    assert np.isnan(Confusion(2).mean_iou())
    assert np.isnan(Confusion(2).accuracy())
