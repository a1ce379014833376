"""What a run of images adds to a result: counted numbers that merge, stored so that a broken run continues."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import VOID, Sample
from ood_eval.errors import ResultError
from ood_eval.files import write_bytes
from ood_eval.metrics import Confusion, Number, RankingCurve, RankingProtocol, make_protocol, ranking_curve


class Tally:
    """Everything counted over some images: protocols per detector, confusion, pixels and seconds.

    A commutative monoid of fixed size (but for rounding of sums and seconds).

    Args:
        detectors: labels, in order.
        protocols: names.
        classes: of the segmenter.
    """

    def __init__(self, detectors: Sequence[str], protocols: Sequence[str], classes: int) -> None:
        made = [make_protocol(protocol) for detector in detectors for protocol in protocols]
        names = [detector for detector in detectors for _ in protocols]
        self.rankings: dict[tuple[str, str], RankingProtocol] = {}
        for detector, ranking in zip(names, made, strict=True):
            self.rankings.setdefault((detector, ranking.counts_as), ranking)
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

    def add_scores(self, detector: str, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> RankingCurve:
        """Counts one detector's scores [H,W] of an image under every protocol, and returns the image's own curve."""
        curve = ranking_curve(scores, anomaly)
        for (label, _), ranking in self.rankings.items():
            if label == detector:
                ranking.update(scores, anomaly, curve)
        return curve

    def numbers(self, detector: str, protocol: str) -> list[Number]:
        """What a protocol reads off the detector's counts."""
        reading = make_protocol(protocol)
        reading.add_state(self.rankings[detector, reading.counts_as].state())
        return reading.compute()

    def save(self, path: Path) -> None:
        """Writes the tally whole or not at all.

        Raises:
            ResultError: the folder cannot be written.
        """
        arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {
            "confusion": self.confusion.counts,
            "totals": np.array([self.images, self.pixels, self.dropped]),
        }
        arrays |= {f"seconds|{label}": np.array([value]) for label, value in self.seconds.items()}
        for (detector, kind), ranking in self.rankings.items():
            arrays |= {f"{detector}|{kind}|{name}": value for name, value in ranking.state().items()}
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_bytes(path, stream.getvalue())

    def add_file(self, path: Path) -> None:
        """Adds what a tally that `save` wrote holds of this one's detectors and protocols, and reads no more than that.

        Raises:
            ResultError: the file is damaged or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.confusion.counts += arrays["confusion"]
                for label in self.seconds:
                    self.seconds[label] += float(arrays[f"seconds|{label}"][0])
                images, pixels, dropped = (int(value) for value in arrays["totals"])
                for (detector, kind), ranking in self.rankings.items():
                    mark = f"{detector}|{kind}|"
                    names = [name for name in arrays.files if name.startswith(mark)]
                    ranking.add_state({name.removeprefix(mark): arrays[name] for name in names})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ResultError(f"{path}: damaged; delete it and run again") from error
        self.images, self.pixels, self.dropped = self.images + images, self.pixels + pixels, self.dropped + dropped
