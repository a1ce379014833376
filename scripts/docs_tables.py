"""Tables of the reference pages, read off registries, signatures and docstrings, so that none of them goes stale.

A hook of mkdocs: a line `<!-- table: NAME ARGUMENT... -->` of a page becomes what the function NAME of `TABLES` gives.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

import docstring_parser

_MARKER: Final = re.compile(r"^<!-- table: (\w+)((?: \S+)*) -->$", re.MULTILINE)
_ELSEWHERE: Final = re.compile(
    r'<(?:script|img|iframe)\b[^>]* src="?https?:[^>]*'
    r'|<link\b[^>]* rel="?(?:stylesheet|preconnect|icon)[^>]* href="?https?:[^>]*'
)
_WIDTH: Final = "94"
_LIMITS: Final = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_TYPES: Final = {
    "integer": "whole number",
    "string": "text",
    "boolean": "true or false",
    "object": "mapping",
    "null": "none",
}


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401 - mkdocs' page
    """What mkdocs calls for each page: the page with its tables.

    Raises:
        ValueError: a marker names no table, or a table lacks words; the message names the page.
    """

    def made(match: re.Match[str]) -> str:
        name, arguments = match[1], match[2].split()
        if name not in TABLES:
            raise ValueError(f"{page.file.src_uri}: no table {name!r}; there are {', '.join(TABLES)}")
        return TABLES[name](*arguments)

    if re.search(r"^--8 ", markdown, re.MULTILINE):
        raise ValueError(f"{page.file.src_uri}: the line that includes a file was rewritten; it is --8<-- FILE")
    return _MARKER.sub(made, markdown)


def on_post_page(output: str, page: Any, **_: object) -> str:  # noqa: ANN401 - mkdocs' page
    """What mkdocs calls for each finished page: refuses one that would load something from elsewhere.

    Raises:
        ValueError: it would; the message says what.
    """
    found = _ELSEWHERE.search(output)
    if found:
        raise ValueError(f"{page.file.src_uri} loads something from elsewhere: {found[0]}")
    return output


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; `|` and line breaks within cells are escaped.

    Raises:
        ValueError: there are no rows.
    """
    lines = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in rows]
    if not lines:
        raise ValueError(f"the table of {', '.join(head)} is empty")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [list(head), ["---"] * len(head), *lines])


def words_of(thing: object, name: str) -> list[str]:
    """The paragraphs of a docstring before its sections.

    Raises:
        ValueError: there is no docstring.
    """
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{name} has no docstring")
    body = re.split(r"^(?:Args|Raises|Returns|Source|Example)s?:", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [" ".join(part.split()) for part in body.strip().split("\n\n")]


def source_of(thing: object) -> str:
    """What stands after `Source:` in a docstring, its addresses as links."""
    match = re.search(r"^Source: (.*?)(?:\n\n|\Z)", inspect.getdoc(thing) or "", flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\(?(https?://[^\s);]+)\)?", r"[\1](\1)", " ".join(match[1].split())) if match else ""


def commands(package: str) -> str:
    """Every command of a package: what it does, and the options as `--help` shows them."""
    known: Mapping[str, type] = importlib.import_module(f"{package}.commands").COMMANDS
    return "\n\n".join(
        f"## {package} {name}\n\n"
        + "\n\n".join(words_of(kind, name))
        + f"\n\n```text\n{help_text(package, name.split())}\n```"
        for name, kind in known.items()
    )


def help_text(package: str, command: Sequence[str]) -> str:
    """The usage line and the boxes of options of `PACKAGE COMMAND --help`, without what stands between them.

    Raises:
        ValueError: there are no boxes.
    """
    main: Callable[[], int] = importlib.import_module(f"{package}.cli").main
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # tyro draws boxes where it may write them
    arguments, columns = sys.argv, os.environ.get("COLUMNS")
    sys.argv, os.environ["COLUMNS"] = [package, *command, "--help"], _WIDTH
    try:
        with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
            main()
    finally:
        sys.argv = arguments
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    told.seek(0)
    lines = [line.rstrip() for line in told]
    boxes = next((k for k, line in enumerate(lines) if line.startswith("╭")), None)
    if boxes is None:
        raise ValueError(f"{' '.join([package, *command])} --help shows no options: {lines}")
    return "\n".join([lines[0], "", *lines[boxes:]]).strip()


def section(title: str, words: str, facts: Mapping[str, str]) -> str:
    """A heading with words below it, and a line for each fact that there is."""
    return "\n".join([f"### {title}\n\n{words}\n", *(f"- *{name}*: {told}" for name, told in facts.items() if told)])


def detectors() -> str:
    """Every detector by name."""
    from ood_eval.detectors import DETECTORS

    def told(name: str) -> str:
        kind = DETECTORS[name]
        first, reads = _needs(kind)
        facts = {"sees first": first, "reads": reads, "options": _options(kind), "source": source_of(kind)}
        return section(f"`{name}`: {kind.title}", "\n\n".join(words_of(kind, name)), facts)

    return "\n\n".join(map(told, DETECTORS))


def _needs(kind: Any) -> tuple[str, str]:  # noqa: ANN401
    part = kind.trained_part
    fitted = [f"{kind.fit_split} split"] if kind.fit_split else []
    trained = [f"trains {'its ' + part.name if isinstance(getattr(part, 'name', None), str) else 'a network'}"]
    reads = kind.reads
    told = ", ".join(f"`{word}`" for word in sorted(reads)) if isinstance(reads, frozenset) else "by its options"
    return ", ".join([*fitted, *(trained if part is not None else [])]), told


def _options(kind: Callable[..., object]) -> str:
    return ", ".join(
        f"`{name}={one.default}`" if one.default is not one.empty else f"`{name}`"
        for name, one in inspect.signature(kind).parameters.items()
    )


def steps() -> str:
    """Every step that can follow a detector."""
    from ood_eval.detectors.steps import STEPS

    rows = ((f"`{name}`", words_of(kind, name)[0], _options(kind), source_of(kind)) for name, kind in STEPS.items())
    return table(("step", "what it does", "settings", "source"), rows)


def benchmarks() -> str:
    """Every benchmark: splits, options, where to get it."""
    from ood_eval.benchmarks import BENCHMARKS

    def told(name: str) -> str:
        one = BENCHMARKS[name]
        splits = ", ".join(f"**{split}**" if split == one.scored else split for split in one.splits)
        facts = {
            "splits": splits or "its own",
            "options": ", ".join(f"`{option}`" for option in one.options),
            "terms": one.terms,
            "size": one.size,
        }
        words = words_of(one.adapter, name)[0] + "\n\n" + re.sub(r"(https?://[^\s:,;]+)", r"<\1>", one.site)
        return section(f"`{name}`", words, facts)

    return "\n\n".join(map(told, BENCHMARKS))


def protocols() -> str:
    """Every protocol: what it counts and gives."""
    from ood_eval.metrics import PROTOCOLS

    return table(
        ("name", "what it counts", "gives", "source"),
        (
            (f"`{name}`", kind.words, ", ".join(f"`{one.name}`" for one in kind.metrics), source_of(kind))
            for name, kind in PROTOCOLS.items()
        ),
    )


def suites() -> str:
    """The suites that come with the package."""
    from importlib.resources import files

    from ood_eval.engine.suite import load_suite

    def row(name: str) -> tuple[str, ...]:
        suite = load_suite(name)
        lists = (suite.benchmarks, suite.detectors)
        told = (", ".join(f"`{one.label}`" for one in specs) for specs in lists)
        return f"`{name}`", f"`{suite.training.name}`", *told, ", ".join(f"`{one}`" for one in suite.protocols)

    found = sorted(one.name for one in (files("ood_eval.engine") / "suites").iterdir() if one.name.endswith(".yaml"))
    return table(
        ("suite", "trains on", "benchmarks", "detectors", "protocols"),
        (row(one.removesuffix(".yaml")) for one in found),
    )


def schema(path: str) -> str:
    """The keys of a YAML file that is read into a dataclass, named as `package.module:Class`.

    Raises:
        ValueError: a key has no meaning among the `Args:` of its class.
    """
    from pydantic import TypeAdapter

    module_name, _, name = path.partition(":")
    module = importlib.import_module(module_name)
    whole = TypeAdapter(getattr(module, name)).json_schema(mode="validation")

    def default_of(value: Mapping[str, Any], owner: str, key: str) -> object:
        factories = {one.name: one.default_factory for one in dataclasses.fields(getattr(module, owner))}
        made = factories[key]
        return made() if made is not dataclasses.MISSING else value.get("default")

    def keys(one: Mapping[str, Any], owner: str, above: str) -> Iterable[tuple[str, str, str, str]]:
        meanings = meanings_of(getattr(module, owner))
        for key, value in one["properties"].items():
            inner, more = _inner(value), "[]" if value.get("type") == "array" else ""
            default = "*required*" if key in one.get("required", ()) else f"`{_plain(default_of(value, owner, key))}`"
            yield f"`{above}{key}`", _kind(value), "" if inner and default[0] == "`" else default, meanings[key]
            if inner is not None:
                yield from keys(whole["$defs"][inner], inner, f"{above}{key}{more}.")

    return table(("key", "value", "default", "meaning"), keys(whole, name, ""))


def meanings_of(kind: type) -> dict[str, str]:
    """What the `Args:` of a dataclass say of each field.

    Raises:
        ValueError: they say nothing of one.
    """
    told = {one.arg_name: one.description or "" for one in docstring_parser.parse(inspect.getdoc(kind) or "").params}
    missing = [one.name for one in dataclasses.fields(kind) if not told.get(one.name)]
    if missing:
        raise ValueError(f"{kind.__name__}: the docstring says nothing of {', '.join(missing)}")
    return told


def _inner(value: Mapping[str, Any]) -> str | None:
    """The name of the mapping that a value is, or that the items of a list are."""
    items = value.get("items")
    link = value.get("$ref") or (items.get("$ref") if isinstance(items, dict) else None)
    return link.rpartition("/")[2] if link else None


def _plain(value: object) -> str:
    return {"None": "none", "True": "true", "False": "false", "": '""'}.get(str(value), str(value))


def _kind(value: Mapping[str, Any]) -> str:
    """A value of a JSON schema in words."""
    if "anyOf" in value:
        return " or ".join(_kind(one) for one in value["anyOf"])
    if value.get("enum"):
        return ", ".join(f"`{one}`" for one in value["enum"])
    if _inner(value) is not None:
        return "list of mappings" if value.get("type") == "array" else "mapping"
    if value.get("type") == "array":
        items = value.get("prefixItems")
        return f"[{', '.join(map(_kind, items))}]" if items else f"list of {_kind(value.get('items', {}))}"
    limits = [f"{word} {value[key]:g}" for key, word in _LIMITS.items() if key in value]
    return " ".join([_TYPES.get(value.get("type", ""), value.get("type", "anything")), *limits])


def calls() -> str:
    """Every call that the embedded server serves."""
    from hazardsim.server.world.calls import SERVED

    def row(name: str) -> tuple[str, str]:
        method = getattr(SERVED[name], name)
        parameters = list(inspect.signature(method).parameters)[1:]
        return f"`{name}({', '.join(parameters)})`", words_of(method, name)[0]

    return table(("call", "what it does"), map(row, SERVED))


def sensors() -> str:
    """Every sensor of the embedded server."""
    from hazardsim.server.world.sensors import SENSORS

    return table(
        ("blueprint", "draws", "stream", "attributes"),
        (
            (
                f"`{one.id}`",
                ", ".join(one.passes) or "nothing",
                one.stream,
                ", ".join(f"`{a.id}`" for a in one.attributes),
            )
            for one in SENSORS.values()
        ),
    )


def channels() -> str:
    """Every channel of a frame and the file that keeps it."""
    from hazardsim.channels import CHANNELS

    return table(
        ("channel", "array in memory", "file", "CARLA sensor"),
        (
            (
                name,
                f"{row.dtype} [H,W{f',{row.values}' if row.values else ''}]",
                f"`{row.folder}/.../N{row.suffix}`",
                row.sensor,
            )
            for name, row in CHANNELS.items()
        ),
    )


def classes() -> str:
    """Label values of the files, and the CARLA tags behind each."""
    from hazardsim.taxonomy import CLASSES, STREET_HAZARDS_NAMES

    def tags(number: int) -> str:
        return ", ".join(f"{one.name} ({one.tag})" for one in CLASSES if one.street_hazards == number)

    rows = ((number + 1, name, tags(number)) for number, name in enumerate(STREET_HAZARDS_NAMES))
    return table(("value in the file", "class", "CARLA tags"), rows)


def anomalies() -> str:
    """Every anomaly that needs no download."""
    from hazardsim.catalogue.procedural import RECIPES
    from hazardsim.catalogue.splits import split_of_category

    splits = split_of_category()
    return table(
        ("id", "what", "category", "split", "length x width x height in m"),
        (
            (
                f"`{name}`",
                one.name,
                one.category,
                splits[one.category],
                " x ".join(f"{side:.2f}" for side in one.size_m),
            )
            for name, one in RECIPES.items()
        ),
    )


def weather() -> str:
    """Bounds of each weather condition."""
    from hazardsim.scenario.conditions import CONDITIONS

    def told(bounds: tuple[float, float]) -> str:
        low, high = bounds
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"

    head = ("condition", "cloudiness", "rain", "puddles", "wind", "fog", "fog distance (m)", "wetness")
    return table(head, ((name, *map(told, bounds)) for name, bounds in CONDITIONS.items()))


def splits() -> str:
    """Files of each split of a rendered set."""
    from hazardsim.dataset.layout import SplitLayout
    from hazardsim.dataset.split import Split

    return table(
        ("split", "list for StreetHazards loaders", "manifest", "left out, and why", "recipe"),
        (
            (split, *(f"`{path}`" for path in (one.odgt, one.manifest, one.rejected, one.recipe)))
            for split in get_args(Split)
            for one in (SplitLayout(split),)
        ),
    )


TABLES: Final[dict[str, Callable[..., str]]] = {
    "commands": commands,
    "detectors": detectors,
    "steps": steps,
    "benchmarks": benchmarks,
    "protocols": protocols,
    "suites": suites,
    "schema": schema,
    "calls": calls,
    "sensors": sensors,
    "channels": channels,
    "classes": classes,
    "anomalies": anomalies,
    "weather": weather,
    "splits": splits,
}
