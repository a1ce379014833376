"""Names of a network's classes, as users write them."""

from __future__ import annotations

from pathlib import Path

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.errors import ConfigError


def class_names_of(text: str) -> tuple[tuple[str, ...], int | None]:
    """Names of classes, or only their number, from what a user writes.

    Args:
        text: `19`, `cityscapes` (a benchmark), `road,car,sky`, or a file with a name a line.

    Raises:
        ConfigError: it is none of these.
    """
    if text.isdecimal():
        return (), int(text)
    if Path(text).is_file():
        try:
            lines = Path(text).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text}: is no file of class names, one a line ({error})") from error
        return tuple(line.strip() for line in lines if line.strip()), None
    if "," in text:
        return tuple(name.strip() for name in text.split(",")), None
    known = {name: one for name, one in BENCHMARKS.items() if getattr(one.adapter, "class_names", ())}
    if text not in known:
        raise ConfigError(
            f"classes {text!r}: neither a number, nor names with commas, nor a file with a name a line, nor a "
            f"benchmark with classes ({', '.join(known)})"
        )
    return tuple(getattr(known[text].adapter, "class_names", ())), None
