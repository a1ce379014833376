"""Which code a result depends on: the modules that it imports, directly or not, as one hash."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import grimp

from ood_eval.errors import ConfigError

# The packages whose import graph is known as a whole.
_PACKAGES: Final = ("ood_eval", "hazardsim")
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})


def own_attribute(text: str, what: str) -> Any:  # noqa: ANN401
    """What a user's `package.module:name` points at, looked for in the working directory too.

    Args:
        text: as the user gave it.
        what: it stands for, as messages call it.

    Raises:
        ConfigError: it is not written so, or cannot be imported.
    """
    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise ConfigError(f"{what} {text!r} is not written as package.module:name")
    here = str(Path.cwd())
    if here not in sys.path:  # an installed command has its own folder there instead
        sys.path.append(here)
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a stranger's file may raise
        reason = " ".join(str(error).split())
        raise ConfigError(f"{what} {text!r} cannot be imported: {type(error).__name__}: {reason}") from error


def is_installed(module: str) -> bool:
    """Whether a module comes from an installed package of others, which does not count: rows carry its version."""
    top = module.partition(".")[0]
    if top in _PACKAGES:
        return False
    try:
        return bool(_INSTALLED & set(_folder_of(top).parts)) or top in sys.stdlib_module_names
    except ConfigError:
        return False


def code_of(*modules: str) -> str:
    """Hash (16 hex digits) of the sources of some modules and of all that they import.

    Inside this distribution the import graph says what that is; imports for type checking alone do not count, and a
    package's `__init__` counts only where something is imported from it. Of a module from elsewhere, its file counts
    and, as far as import statements name them, the modules of its own top-level package; a module that lies loose in a
    folder counts with the loose modules and packages beside it. Other packages do not count: rows carry their versions.

    Args:
        modules: dotted names.

    Raises:
        ConfigError: a module has no source file, as one that was typed into a prompt.
    """
    return _hash_of(sources_of(*modules))


def text_of(*modules: str) -> str:
    """Hash (16 hex digits) of the sources of some modules alone, whatever they import.

    For modules that import nearly everything, though little of it decides what they do.

    Args:
        modules: dotted names.

    Raises:
        ConfigError: a module has no source file, as one that was typed into a prompt.
    """
    return _hash_of({name: _file_of(name) for name in modules})


def sources_of(*modules: str) -> dict[str, Path]:
    """The files that `code_of` hashes, by module.

    Raises:
        ConfigError: a module has no source file, as one that was typed into a prompt.
    """
    files: dict[str, Path] = {}
    inside = {name for name in modules if _is_inside(name)}
    for name in modules:
        if name not in inside:
            outside, used = _outside_closure(name)
            files |= outside
            inside |= used
    for name in inside:
        for one in {name, *_graph().find_upstream_modules(name)}:
            files[one] = _file_of(one)
    return files


def _hash_of(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(_content(path)).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] in _PACKAGES and module in _graph().modules


@functools.cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*_PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error


@functools.cache
def _folder_of(top: str) -> Path:
    """The folder that a top-level module or package lies in."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).parent
    origin = Path(spec.origin) if spec is not None and spec.origin is not None else None
    if origin is None or not origin.is_file():
        raise ConfigError(f"module {top}: has no source file; put it into one, so that its results have a name")
    return origin.parent


def _file_of(module: str) -> Path:
    found = _below(_folder_of(module.partition(".")[0]), module)
    if found is None:
        raise ConfigError(f"module {module}: has no source file; put it into one, so that its results have a name")
    return found


def _below(folder: Path, module: str) -> Path | None:
    place = folder.joinpath(*module.split("."))
    return next((path for path in (place.with_name(f"{place.name}.py"), place / "__init__.py") if path.is_file()), None)


def _outside_closure(module: str) -> tuple[dict[str, Path], set[str]]:
    """The files of a user's own modules by name, and the modules of this distribution that they import."""
    top = module.partition(".")[0]
    folder = _folder_of(top)
    alone = bool(_INSTALLED & set(folder.parts)) or (folder / top).is_dir()
    files, inside, waiting = {module: _file_of(module)}, set[str](), [module]
    while waiting:
        name = waiting.pop()
        for found in _imports_of(name, files[name]):
            if _is_inside(found):
                inside.add(found)
            elif found not in files and (not alone or found.partition(".")[0] == top):
                path = _below(folder, found)
                if path is not None:
                    files[found] = path
                    waiting.append(found)
    return files, inside


def _imports_of(module: str, path: Path) -> Iterator[str]:
    """Every dotted name that import statements of a file may mean; `from a import b` means a, and perhaps a.b."""
    try:
        tree = ast.parse(_content(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}: line {error.lineno}: {error.msg}") from error
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*filter(None, parts), *([node.module] if node.module else [])])
            if base:
                yield base
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)
