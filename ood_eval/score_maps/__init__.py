"""Score maps as files: the formats by name. A format is a file here and a line in `FORMATS`."""

from __future__ import annotations

from typing import Final

from ood_eval.errors import ConfigError
from ood_eval.score_maps import hdf5, npy, npz, png16
from ood_eval.score_maps.map_format import MapFormat

FORMATS: Final[dict[str, MapFormat]] = {
    "npy": npy.FORMAT,
    "npz": npz.FORMAT,
    "png16": png16.FORMAT,
    "hdf5": hdf5.FORMAT,
}

__all__ = ["FORMATS", "MapFormat", "checked_format"]


def checked_format(name: str) -> str:
    """The name of a format.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in FORMATS:
        raise ConfigError(f"--format {name}: unknown; known are {', '.join(FORMATS)}")
    return name
