"""What a run of images adds to a result: counted numbers that merge, stored so that a broken run continues."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ood_eval.data.sample import VOID, Sample
from ood_eval.errors import ResultError
from ood_eval.files import write_bytes
from ood_eval.metrics import Confusion, RankingProtocol, make_protocol


class Tally:
    """Everything counted over some images: protocols per detector, confusion, pixels and seconds.

    A commutative monoid of fixed size (but for rounding of sums and seconds).

    Args:
        detectors: labels, in order.
        protocols: names.
        classes: of the segmenter.
    """

    def __init__(self, detectors: Sequence[str], protocols: Sequence[str], classes: int) -> None:
        self.rankings: dict[tuple[str, str], RankingProtocol] = {
            (detector, protocol): make_protocol(protocol) for detector in detectors for protocol in protocols
        }
        self.confusion = Confusion(classes)
        self.seconds = dict.fromkeys((*detectors, "forward"), 0.0)
        self.images = self.pixels = self.dropped = 0

    def add_image(self, sample: Sample, anomaly: NDArray[np.uint8], predicted: NDArray[np.int64]) -> None:
        """Counts an image's pixels, and its predicted classes [H,W] against the true ones."""
        self.images += 1
        self.pixels += anomaly.size
        self.dropped += int(np.count_nonzero(anomaly == VOID))
        if sample.classes is not None:
            self.confusion.update(predicted, sample.classes)

    def add_scores(self, detector: str, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
        """Counts one detector's scores [H,W] of an image under every protocol."""
        for (label, _), ranking in self.rankings.items():
            if label == detector:
                ranking.update(scores, anomaly)

    def save(self, path: Path) -> None:
        """Writes the tally whole or not at all.

        Raises:
            ResultError: the folder cannot be written.
        """
        arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
            "confusion": self.confusion.counts,
            "seconds": np.array(list(self.seconds.values())),
            "totals": np.array([self.images, self.pixels, self.dropped]),
        }
        for (detector, protocol), ranking in self.rankings.items():
            arrays |= {f"{detector}|{protocol}|{name}": value for name, value in ranking.state().items()}
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_bytes(path, stream.getvalue())

    def add_file(self, path: Path) -> None:
        """Adds a tally that `save` wrote with the same detectors and protocols.

        Raises:
            ResultError: the file is damaged or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.confusion.counts += arrays["confusion"]
                for label, value in zip(self.seconds, arrays["seconds"], strict=True):
                    self.seconds[label] += float(value)
                images, pixels, dropped = (int(value) for value in arrays["totals"])
                for (detector, protocol), ranking in self.rankings.items():
                    mark = f"{detector}|{protocol}|"
                    names = [name for name in arrays.files if name.startswith(mark)]
                    ranking.add_state({name.removeprefix(mark): arrays[name] for name in names})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ResultError(f"{path}: damaged; delete it and run again") from error
        self.images, self.pixels, self.dropped = self.images + images, self.pixels + pixels, self.dropped + dropped
