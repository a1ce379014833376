"""Curves and score distributions as SVG that takes its ink from the page, so that it reads in light, dark and print."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from ood_eval.engine.curves import Curves

# Source: Okabe and Ito 2008, colours that stay apart for every kind of colour vision; order changed; black became the
# page's ink and grey, brown and violet were added.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F", "#7A5AC8")
DASHES: Final = ((), (5, 2), (1.5, 1.5))
KNOWN_COLOUR: Final = "#7A8894"
ANOMALY_COLOUR: Final = "#D1345B"
# Colours that stand for the page's own in the drawing, by what they become.
_INK, _SOFT, _GRID = "#010203", "#040506", "#070809"
_OWN: Final = {_INK: "var(--ink)", _SOFT: "var(--soft)", _GRID: "var(--line)"}
_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ood_eval",
    "font.size": 10.0,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _SOFT,
    "axes.labelcolor": _INK,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
}


def line_style(place: int) -> tuple[str, tuple[float, ...]]:
    """Colour and dashes of the line at a place; dashes change when the colours come round again."""
    return COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)]


def roc_svg(curves: Mapping[str, Curves], key: str) -> Markup:
    """ROC curves; each line is a group `key-roc-PLACE`, which the legend's buttons show and hide."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(4.6, 3.7)
        axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=0.9, linestyle=(0, (4, 4)))
        axes.axhline(0.95, color=_SOFT, linewidth=0.9)
        axes.text(0.01, 0.955, "95 % of the anomalous pixels", va="bottom", fontsize=8, color=_SOFT)
        for place, curve in enumerate(curves.values()):
            _line(axes, curve.fpr, curve.tpr, place, f"{key}-roc-{place}")
        axes.set(xlim=(0, 1), ylim=(0, 1.04), xlabel="share of known pixels flagged (FPR)")
        axes.set(ylabel="share of anomalous pixels found", title="ROC")
        return _svg(figure, f"{key}-roc")


def precision_svg(curves: Mapping[str, Curves], key: str) -> Markup:
    """Precision over recall; each line is a group `key-pr-PLACE`."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(4.6, 3.7)
        top = 0.0
        for place, curve in enumerate(curves.values()):
            _line(axes, curve.recall, curve.precision, place, f"{key}-pr-{place}")
            # The first few pixels of a ranking swing between 0 and 1; the scale follows what is found after them.
            top = max([top, *(p for r, p in zip(curve.recall, curve.precision, strict=True) if r >= 0.01)])
        highest = min(1.02, 1.15 * top) or 1.0
        base = base_rate_of(curves)
        if base is not None:
            axes.axhline(base, color=_SOFT, linewidth=0.9, linestyle=(0, (4, 4)))
            above = base < 0.9 * highest
            words = f"base rate {100 * base:.2g} %"
            axes.text(0.99, base, words, ha="right", va="bottom" if above else "top", fontsize=8, color=_SOFT)
        axes.set(xlim=(0, 1), ylim=(0, highest), xlabel="share of anomalous pixels found (recall)")
        axes.set(ylabel="precision", title="Precision and recall")
        return _svg(figure, f"{key}-pr")


def base_rate_of(curves: Mapping[str, Curves]) -> float | None:
    """The share of anomalous pixels: the precision where every pixel is flagged; None without curves."""
    return next((curve.precision[-1] for curve in curves.values() if curve.precision), None)


def wrapped(title: str, width: int) -> str:
    """A long name on several lines, also one without spaces."""
    return "\n".join(textwrap.wrap(title, width, break_on_hyphens=False))


def distribution_svg(curve: Curves, title: str, key: str, marks: Mapping[str, float]) -> Markup:
    """How a detector's scores of known and of anomalous pixels are spread, with its named thresholds."""
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure, axes = _figure(3.4, 2.2)
        for shares, colour in ((curve.known, KNOWN_COLOUR), (curve.anomalous, ANOMALY_COLOUR)):
            axes.stairs(shares, curve.edges, fill=True, color=colour, alpha=0.4)
            axes.stairs(shares, curve.edges, color=colour, linewidth=1.2)
        top = 1.2 * max(float(np.percentile(curve.known, 97)), max(curve.anomalous), 1e-6)
        for place, (name, value) in enumerate(marks.items()):
            if curve.edges[0] <= value <= curve.edges[-1]:
                axes.axvline(value, color=_INK, linewidth=1.0, linestyle=(0, (3, 2)))
                right = value > (curve.edges[0] + curve.edges[-1]) / 2
                axes.annotate(
                    name, (value, top * (0.98 - 0.13 * place)), xytext=(-3 if right else 3, 0),
                    textcoords="offset points", ha="right" if right else "left", va="top", fontsize=8, color=_INK,
                )  # fmt: skip
        axes.set_title(wrapped(title, 34), fontsize=10, fontweight="bold")
        axes.set(xlabel="score", yticks=[], xlim=(curve.edges[0], curve.edges[-1]), ylim=(0, top))
        axes.spines["left"].set_visible(False)
        return _svg(figure, key)


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0.0)
    axes = figure.subplots()
    axes.patch.set_alpha(0.0)
    return figure, axes


def _line(axes: Any, x: list[float], y: list[float], place: int, name: str) -> None:  # noqa: ANN401
    colour, dashes = line_style(place)
    axes.plot(x, y, color=colour, linewidth=1.7, linestyle=(0, dashes) if dashes else "-", gid=name)


def _svg(figure: Figure, key: str) -> Markup:
    """The drawing alone, with ids that no other drawing of the page has, and the page's colours and font."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(rf'\bid="(?!{re.escape(key)}-)([^"]+)"', rf'id="{key}-\1"', text)
    text = re.sub(rf'((?:xlink:)?href="#|url\(#)(?!{re.escape(key)}-)', rf"\1{key}-", text)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
    text = text.replace("xlink:href", "href")
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL).replace(
        "font-family: 'DejaVu Sans', sans-serif; ", ""
    )
    for stand_in, own in _OWN.items():
        text = text.replace(stand_in, own)
    # What matplotlib made of XML's namespaces and white space is of no use inside HTML.
    return Markup(re.sub(r"\n\s*", "\n", text))  # noqa: S704
