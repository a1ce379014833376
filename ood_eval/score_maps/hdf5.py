"""`hdf5`: the dataset `value` of a file for each image, as the SegmentMeIfYouCan tool keeps them.

Source: SegmentMeIfYouCan/road-anomaly-benchmark, anomaly_p/METHOD/SET/IMAGE.hdf5. It keeps float16, we float32.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ConfigError
from ood_eval.score_maps.map_format import MapFormat

_NAME: Final = "value"


def _bytes_of(scores: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    with _h5py().File(stream, "w") as file:
        file.create_dataset(_NAME, data=scores, compression=4, shuffle=True)
    return stream.getvalue()


def _read(path: Path) -> NDArray[Any]:
    with _h5py().File(path, "r") as file:
        if _NAME not in file:
            raise ValueError(f"has no dataset named {_NAME}; it has {', '.join(file) or 'none'}")
        return np.asarray(file[_NAME][()])


def _h5py() -> Any:  # noqa: ANN401
    """The library, which is an extra.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise ConfigError("hdf5 needs the package h5py; install it with: pip install 'hazardsim[hdf5]'") from error
    return h5py


FORMAT: Final = MapFormat(".hdf5", _bytes_of, _read, others=(".h5",))
