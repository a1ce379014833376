"""The page: one HTML file that fetches nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

import jinja2
import matplotlib as mpl
import numpy as np
from markupsafe import Markup

from ood_eval.report.drawing import ANOMALY_COLOUR, KNOWN_COLOUR
from ood_eval.report.overview import Overview
from ood_eval.report.section import Section
from ood_eval.report.table import METRICS

_FILES: Final = resources.files("ood_eval.report") / "templates"


def page_of(sections: Sequence[Section], overview: Overview | None) -> str:
    """The whole page, with styles, script, drawings, pictures and score maps inside."""
    colours = mpl.colormaps["inferno"](np.arange(256), bytes=True)[:, :3].tolist()
    return _environment().get_template("report.html.jinja").render(
        sections=sections,
        overview=overview,
        metrics=METRICS,
        css=Markup(_text("report.css")),  # noqa: S704
        script=Markup(_text("report.js")),  # noqa: S704
        colours=inside_script(colours),
        known_colour=KNOWN_COLOUR,
        anomaly_colour=ANOMALY_COLOUR,
    )  # fmt: skip


def inside_script(value: Any) -> Markup:  # noqa: ANN401
    """A JSON value that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["much"] = _much
    environment.filters["inside_script"] = inside_script
    return environment


def _text(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _much(percent: str) -> str:
    """How dark a percentage is drawn, 0..1; a dash is not."""
    try:
        return f"{float(percent) / 100.0:.2f}"
    except ValueError:
        return "0"
