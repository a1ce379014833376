"""Figures of a run: ROC and precision-recall curves, score distributions, the gallery."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, VOID
from ood_eval.engine.curves import Curves
from ood_eval.files import write_bytes
from ood_eval.report.drawing import base_rate_of, wrapped
from ood_eval.tasks.gallery import GalleryFrame

# Source: Okabe and Ito 2008, colours that stay apart for every kind of colour vision; order changed.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B", "#7F7F7F")
_DASHES: Final = ("-", (0, (5, 2)), (0, (1.5, 1.5)))
_KNOWN, _ANOMALOUS = "#7A8894", "#D1345B"
_STYLE: Final[Any] = {
    "font.size": 10.0,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444B52",
    "axes.labelcolor": "#22272B",
    "axes.grid": True,
    "grid.color": "#E3E7EA",
    "grid.linewidth": 0.8,
    "xtick.color": "#444B52",
    "ytick.color": "#444B52",
    "legend.frameon": False,
}


def draw_curves(
    path: Path, curves: dict[str, Curves], scores: dict[str, tuple[float, float]], title: Callable[[str], str]
) -> None:
    """ROC and precision-recall curves of every detector, side by side; `scores` are (AUROC, AP) for the legends."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(13.0, 4.6), layout="constrained")
        roc, pr = figure.subplots(1, 2)
        roc.plot([0, 1], [0, 1], color="#B6BEC4", linewidth=1.0, linestyle=(0, (4, 4)))
        for place, (name, curve) in enumerate(curves.items()):
            line = _line(place)
            auroc, ap = scores.get(name, (float("nan"), float("nan")))
            roc.plot(
                curve.fpr, curve.tpr, label=f"{wrapped(title(name), 30)}  {100 * auroc:.1f} / {100 * ap:.1f}", **line
            )
            pr.plot(curve.recall, curve.precision, **line)
        base = base_rate_of(curves)
        if base is not None:
            pr.axhline(base, color="#B6BEC4", linewidth=1.0, linestyle=(0, (4, 4)))
            pr.text(0.995, base + 0.01, f"base rate {100 * base:.2g} %", ha="right", fontsize=8, color="#6B757D")
        roc.axhline(0.95, color="#B6BEC4", linewidth=1.0)
        roc.text(0.995, 0.945, "95 % of anomalous pixels found", ha="right", va="top", fontsize=8, color="#6B757D")
        roc.set(xlabel="share of known pixels flagged", ylabel="share of anomalous pixels found", title="ROC")
        pr.set(xlabel="share of anomalous pixels found (recall)", ylabel="precision", title="Precision and recall")
        pr.set(ylim=(0.0, 1.02))
        roc.set(ylim=(0.0, 1.02), xlim=(0.0, 1.0))
        pr.set(xlim=(0.0, 1.0))
        figure.legend(title="AUROC / AUPR in %", loc="outside right center", alignment="left")
        _save(figure, path)


def draw_distributions(path: Path, curves: dict[str, Curves], title: Callable[[str], str]) -> None:
    """How the scores of known and of anomalous pixels are spread, a panel per detector."""
    columns = min(len(curves), 3)
    rows = -(-len(curves) // columns)
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(3.7 * columns, 2.6 * rows + 0.3), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False)
        for panel, (name, curve) in zip(panels.flat, curves.items(), strict=False):
            for shares, colour, label in ((curve.known, _KNOWN, "known"), (curve.anomalous, _ANOMALOUS, "anomaly")):
                panel.stairs(shares, curve.edges, fill=True, color=colour, alpha=0.45, label=label)
                panel.stairs(shares, curve.edges, color=colour, linewidth=1.2)
            panel.set_title(wrapped(title(name), 36), fontsize=10)
            panel.set(xlabel="score", yticks=[], xlim=(curve.edges[0], curve.edges[-1]))
            panel.spines["left"].set_visible(False)
            panel.set_ylim(0, 1.15 * max(np.percentile(curve.known, 97), max(curve.anomalous)))
        for panel in panels.flat[len(curves) :]:
            panel.set_axis_off()
        panels.flat[0].legend(fontsize=9)
        _save(figure, path)


def draw_gallery(
    path: Path, frames: Sequence[GalleryFrame], detectors: Sequence[str], title: Callable[[str], str]
) -> None:
    """A line per frame: image, ground truth drawn over it, and the score map of each detector.

    Each score map is stretched between its own 2nd and 99.8th percentile, so colours compare within a map only.
    """
    columns = 2 + len(detectors)
    ratio = frames[0].image.shape[0] / frames[0].image.shape[1]
    width = 3.2
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(width * columns, (width * ratio + 0.06) * len(frames) + 0.35))
        figure.subplots_adjust(0.002, 0.002, 0.998, 1 - 0.33 / figure.get_figheight(), 0.012, 0.03)
        grid = figure.subplots(len(frames), columns, squeeze=False)
        for line, frame in zip(grid, frames, strict=True):
            pictures = [frame.image, truth_overlay(frame)] + [heat_map(frame.scores[name]) for name in detectors]
            for panel, picture in zip(line, pictures, strict=True):
                panel.imshow(picture, interpolation="antialiased", aspect="auto")
                panel.set_axis_off()
        for panel, words in zip(grid[0], ["image", "ground truth", *map(title, detectors)], strict=True):
            panel.set_title(wrapped(words, 34), fontsize=11, pad=4)
        _save(figure, path, dpi=100)


def truth_overlay(frame: GalleryFrame) -> NDArray[np.uint8]:
    """The image in grey with anomalies in red and void in dark blue, [H,W,3] u8."""
    grey = frame.image.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.55 + 50.0
    for value, colour, opacity in ((ANOMALY, (255, 45, 85), 0.85), (VOID, (30, 40, 90), 0.6)):
        mask = frame.anomaly == value
        grey[mask] = (1.0 - opacity) * grey[mask] + opacity * np.array(colour)
    drawn: NDArray[np.uint8] = np.clip(grey, 0, 255).astype(np.uint8)
    return drawn


def heat_map(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scores [H,W] as colours [H,W,3] u8, dark = known, bright = anomalous."""
    low, high = np.percentile(scores, (2.0, 99.8))
    share = np.clip((scores - low) / max(float(high - low), 1e-12), 0.0, 1.0)
    colours: NDArray[np.uint8] = mpl.colormaps["inferno"](share, bytes=True)[..., :3]
    return colours


def _line(place: int) -> dict[str, Any]:
    """Colour and dash of the line at a place; dashes change when the colours come round again."""
    dash = _DASHES[place // len(_COLOURS) % len(_DASHES)]
    return {"color": _COLOURS[place % len(_COLOURS)], "linestyle": dash, "linewidth": 1.8}


def _save(figure: Figure, path: Path, dpi: int = 130) -> None:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    write_bytes(path, stream.getvalue())
