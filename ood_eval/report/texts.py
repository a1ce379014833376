"""The report as Markdown, LaTeX and JSON."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any, Final

from ood_eval.report.entry import ABSENT, Entry
from ood_eval.report.overview import Overview
from ood_eval.report.result import Result
from ood_eval.report.section import Section
from ood_eval.report.table import METRICS, Table, markdown_table

# Columns that fit a page in small type.
_WIDE: Final = 9
_LATEX_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "±": r"$\pm$",
    "–": "--", "†": r"\textsuperscript{$\dagger$}", "‡": r"\textsuperscript{$\ddagger$}",
    "≥": r"$\geq$", "·": r"$\cdot$", "°": r"$^\circ$", "²": r"$^2$",
}  # fmt: skip


def markdown_of(
    sections: Sequence[Section], overview: Overview | None, figures: dict[str, list[tuple[str, str]]]
) -> str:
    """The report in Markdown; `figures` are file and caption by section key."""
    lines = ["# Anomaly segmentation", ""]
    if overview is not None:
        pairs = zip(overview.labels, overview.blocks, strict=True)
        head = ["Detector", *(f"{metric.title} ({label})" for label, block in pairs for metric in block.metrics)]
        body = [[name, *map(_marked, cells)] for name, cells in overview.lines]
        body += [[f"*{name}*", *map(_marked, cells)] for name, cells in overview.references]
        lines += ["## Overview", "", *_table(head, body)]
        lines += ["", overview.note, ""]
    for section in sections:
        lines += [f"## {section.label}", "", *([f"{section.origin}.", ""] if section.origin else [])]
        lines += [*(f"- **{value}** {words}" for value, words in section.tiles), ""]
        lines += [f"- not scored: {name}, {reason}" for name, reason in section.skipped] + [""] * bool(section.skipped)
        lines += [markdown_table(section.table, paper=True), "", section.table.note, ""]
        source = section.table.source
        lines += [f"**{source.heading}.** {source.remark}", ""] if source is not None else []
        lines += [f"- `{name}`: {words}." for name, words in section.protocols] + [""]
        for name, caption in figures.get(section.key, ()):
            lines += [f"![{caption}]({name})", "", f"*{caption}*", ""]
        lines += _markdown_rest(section)
    return "\n".join(lines)


def _markdown_rest(section: Section) -> list[str]:
    lines: list[str] = []
    if section.calibration is not None:
        head = ["Detector"]
        for title in section.calibration.titles:
            head += [f"score ≥ ({title})", "F1", "precision", "found", "FPR"]
        body = [[name, *cells] for name, cells in section.calibration.lines]
        lines += ["### Thresholds", "", *_table(head, body), ""]
    for one in section.breakdowns:
        for panel in one.panels:
            lines += [f"### {panel.title} by {one.title}", ""]
            body = [
                [line.name, str(line.count), *(f"**{c.text}**" if c.best else c.text for c in line.cells)]
                for line in panel.lines
            ]
            lines += [*_table(["", one.unit, *section.detectors], body), ""]
    for pairs in section.pair_tables:
        body = [[name, *(f"**{c.text}**" if c.kind else c.text for c in cells)] for name, cells in pairs.lines]
        lines += [f"### Differences in {pairs.title}", "", *_table(["line minus column", *pairs.names], body)]
        lines += ["", pairs.note, ""]
    for cross in section.protocol_tables:
        lines += [f"### {cross.title} under every protocol", ""]
        body = [[name, *map(_marked, cells), apart] for name, cells, apart in cross.lines]
        body += [[f"*{name}*", *map(_marked, cells), ABSENT] for name, cells in cross.references]
        lines += [*_table(["Detector", *cross.protocols, "apart"], body), ""]
    if section.further_metrics is not None:
        head = ["Detector", *(f"{metric} ({protocol})" for protocol, metric in section.further_metrics.columns)]
        table = section.further_metrics.table
        body = [[name, *map(_marked, cells)] for name, cells in table.lines]
        body += [[f"*{name}*", *map(_marked, cells)] for name, cells in table.references]
        lines += ["### Further numbers", "", *_table(head, body), ""]
    if section.classes:
        lines += ["### Segmentation", "", *_table(["Class", "IoU", "share of pixels"], section.classes), ""]
    lines += ["### Where the numbers come from", ""]
    return [*lines, *(f"- {name}: `{value}`" for name, value in section.provenance), ""]


def latex_of(sections: Sequence[Section]) -> str:
    r"""A table per section for `\input`, with `\usepackage{booktabs}`; the paper's numbers in italics."""
    return "% needs \\usepackage{booktabs}\n" + "\n".join(
        _latex_table(section.label, section.table) for section in sections
    )


def json_of(results: Sequence[Result], sections: Sequence[Section]) -> dict[str, Any]:
    """Every number of the report for other programs; undefined ones are null."""
    return {
        "format": 1,
        "results": [
            {
                "label": result.label,
                "generated": result.generated,
                "seeds": list(result.seeds),
                "rows": [dataclasses.asdict(row) for row in result.rows],
                "published": dataclasses.asdict(section.table.source) if section.table.source is not None else None,
                "baselines": list(result.baselines),
                "thresholds": {
                    name: {point: dataclasses.asdict(one) if one is not None else None for point, one in points.items()}
                    for name, points in result.thresholds.items()
                },
                "breakdowns": [dataclasses.asdict(one) for one in section.breakdowns],
                "comparisons": [dataclasses.asdict(one) for one in result.comparisons],
                "skipped": [{"benchmark": name, "reason": reason} for name, reason in result.skipped],
            }
            for result, section in zip(results, sections, strict=True)
        ],
    }


def _latex_table(label: str, table: Table) -> str:
    blocks = [(block.title, [metric.title for metric in block.metrics]) for block in table.blocks]
    if table.source is not None:
        blocks.append((table.source.heading, [title for _, title, _ in METRICS]))
    ends = list(itertools.accumulate(len(titles) for _, titles in blocks))
    starts = [0, *ends[:-1]]
    stacks = [(_latex(name).replace(": ", r":\\ "), len(titles)) for name, titles in blocks]
    groups = " & ".join(rf"\multicolumn{{{count}}}{{c}}{{\shortstack{{{name}}}}}" for name, count in stacks)
    rules = " ".join(rf"\cmidrule(lr){{{start + 2}-{end + 1}}}" for start, end in zip(starts, ends, strict=True))
    head = " & ".join(_latex(title) for _, titles in blocks for title in titles)
    lines = [
        r"\begin{table}", r"  \centering", r"  \small" if ends[-1] <= _WIDE else r"  \scriptsize",
        r"  \setlength{\tabcolsep}{3.5pt}", rf"  \begin{{tabular}}{{l{'r' * ends[-1]}}}", r"    \toprule",
        rf"    & {groups} \\", f"    {rules}", rf"    Detector & {head} \\", r"    \midrule",
    ]  # fmt: skip
    for (name, cells), theirs in zip(table.lines, table.published, strict=True):
        texts = [*(_latex_cell(c) for c in cells), *(rf"\textit{{{_latex(c.text)}}}" for c in theirs)]
        lines.append(rf"    {_latex(name)} & {' & '.join(texts)} \\")
    for name, theirs in table.missing:
        texts = ["--"] * table.width + [rf"\textit{{{_latex(c.text)}}}" for c in theirs]
        lines.append(rf"    {_latex(name)} & {' & '.join(texts)} \\")
    if table.references:
        lines.append(r"    \midrule")
    for name, cells in table.references:
        texts = [_latex_cell(cell) for cell in cells] + ["--"] * (ends[-1] - table.width)
        lines.append(rf"    \textit{{{_latex(name)}}} & {' & '.join(texts)} \\")
    caption = f"{label}. {table.note}" + (f" {table.source.remark}" if table.source is not None else "")
    lines += [r"    \bottomrule", r"  \end{tabular}", rf"  \caption{{{_latex(caption)}}}", r"\end{table}", ""]
    return "\n".join(lines)


def _latex_cell(cell: Entry) -> str:
    return rf"\textbf{{{_latex(cell.whole)}}}" if cell.best else _latex(cell.whole)


def _latex(text: str) -> str:
    return "".join(_LATEX_SIGNS.get(sign, sign) for sign in text)


def _marked(cell: Entry) -> str:
    return f"**{cell.whole}**" if cell.best else cell.whole


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return lines + ["| " + " | ".join(line) + " |" for line in body]
