"""YAML that people write: whatever is wrong with it is one line that says where, what, and what is allowed."""

from dataclasses import field
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ood_eval.config import checked, load_config, parse_yaml, read_yaml
from ood_eval.errors import ConfigError


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Part:
    kind: Literal["road", "sky"]
    share: float = Field(default=1.0, ge=0)
    root: Path | None = None


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Whole:
    name: str = "whole"
    parts: tuple[Part, ...] = ()
    named: dict[str, Part] = field(default_factory=dict)
    extra: Part | None = None

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ConfigError("the name is bad")


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "whole.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_becomes_its_dataclass(tmp_path: Path) -> None:
    text = "name: é\nparts:\n- {kind: road, share: 2, root: a/b}\nnamed:\n  x: {kind: sky}\n"
    assert load_config(Whole, written(tmp_path, text)) == Whole(
        "é", (Part("road", 2.0, Path("a/b")),), {"x": Part("sky")}
    )
    assert load_config(Whole, written(tmp_path, "# nothing yet\n")) == Whole()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nam: x", r"nam: unknown key; did you mean name\?"),
        ("colour: x", "colour: unknown key; known are name, parts, named, extra"),
        ("parts: [{kind: road}, {kind: sky, shar: 1}]", r"parts\.1\.shar: unknown key; did you mean share\?"),
        ("named: {x: {kind: sky, rot: a}}", r"named\.x\.rot: unknown key; did you mean root\?"),
        ("extra: {kind: sky, rot: a}", r"extra\.rot: unknown key; did you mean root\?"),
        ("parts: [{share: 1}]", r"parts\.0\.kind: is missing"),
        ("parts: [{kind: sea}]", r"parts\.0\.kind: must be 'road' or 'sky', not 'sea'"),
        ("parts: [{kind: sky, share: -1}]", r"parts\.0\.share: must be greater than or equal to 0, not -1"),
        ("parts: [3]", r"parts\.0: must be a table of keys \(kind, share, root\), not 3"),
        ("name: [a]", r"name: must be a text, not \['a'\]"),
        ("- a", r"must be a table of keys \(name, parts, named, extra\), not \['a'\]"),
        ("name: bad", "the name is bad"),
        ("name: [" + "a, " * 50 + "]", r"not \['a', .{40,60}\.\.\."),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(Whole, written(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'whole.yaml'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        b"\xff\xfe\x00\x01",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        "\x00\x01",
        "[" * 20_000,
        "when: 2001-99-99",
        "!!timestamp never",
        '!!int ""',
        "!!float much",
        "!!bool perhaps",
        "!!python/object/apply:os.getcwd []",
        "name: a\nname: b",
        "? [a]\n: b",
        "=",
        "--- a\n--- b",
        "a: *nowhere",
    ],
)
def test_what_is_not_yaml_is_one_line(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ConfigError, match=r"whole\.yaml: not YAML \(.+\)") as caught:
        read_yaml(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yaml", tmp_path):
        with pytest.raises(ConfigError, match=f"{path}: cannot be read"):
            read_yaml(path)


def test_a_merged_table_may_change_a_key() -> None:
    assert parse_yaml("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2", "here") == {"a": {"b": 1}, "c": {"b": 2}}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (bool, "false", "true or false, not 'false'"),
        (bool, 1, "true or false, not 1"),
        (Path | str | None, 5, "a text, not 5"),
        (Whole | dict[str, int] | None, 5, r"a table of keys \(name, parts, named, extra\)"),
        (Literal["a", "b"] | None, "c", "'a' or 'b', not 'c'"),
    ],
)
def test_an_option_is_taken_at_its_word(kind: object, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=f"option x: must be {message}"):
        checked(kind, value, "option x", strict=True)
    assert checked(bool, False, "option x", strict=True) is False
