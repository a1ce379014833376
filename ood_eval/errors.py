"""Every error that a user of ood_eval can cause: what, where, and what to do, in one line."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from typing import Final

_PACKAGE: Final = str(Path(__file__).parent)
# Python's own, other packages', and what was never a file. This package may be installed beside the others.
_INSTALLED: Final = ("<", *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))


class OodEvalError(Exception):
    """Root of the expected errors; the command line prints one line and exits with 1."""


class ConfigError(OodEvalError):
    """An option, a suite file or a combination of options that cannot be used."""


class DataError(OodEvalError):
    """A benchmark folder or file that is missing, damaged, or holds labels outside its table."""


class CheckpointError(OodEvalError):
    """A weights file that is missing, damaged, or of another make."""


class NetworkError(OodEvalError):
    """A network whose prediction breaks the contract of its kind, or is asked for what it withholds."""


class DetectorError(OodEvalError):
    """A detector that is unknown, unfitted, or breaks the contract of its kind."""


class TrainingError(OodEvalError):
    """A training run that cannot start or that diverged."""


class ResultError(OodEvalError):
    """A result folder that is empty, damaged, or cannot be written."""


def in_one_line(error: BaseException) -> str:
    """What somebody else's code has raised: `ValueError: no such axis (mine.py:12)`.

    The place is the last line on the way to the error that is neither ours nor of an installed package, else our last.
    """
    words = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if one.filename.startswith(_PACKAGE)]
    theirs = [one for one in frames if not one.filename.startswith((_PACKAGE, *_INSTALLED))]
    place = "".join(f" ({one.filename}:{one.lineno})" for one in (theirs or ours)[-1:])
    return type(error).__name__ + (f": {words}" if words else "") + place
