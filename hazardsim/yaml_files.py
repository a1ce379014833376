"""Reads a YAML file of `assets/` into a frozen dataclass; a misspelt or missing key is named."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from hazardsim.errors import AssetError

T = TypeVar("T")


def read_listing(path: Path, kind: type[T]) -> T:
    """The file's content as `kind`, every key checked.

    Raises:
        AssetError: the file cannot be read, is not YAML, or has a key that `kind` lacks or lacks one it has.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror or error}; reinstall hazardsim") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AssetError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from error
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(k) for k in first["loc"])
        raise AssetError(f"{path}: {where or 'top level'}: {first['msg']}") from error


strict = with_config(ConfigDict(extra="forbid"))
"""Mark a dataclass so that keys it does not have are refused."""
