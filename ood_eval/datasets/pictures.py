"""Pictures that nobody has labelled: a file, or all below a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from ood_eval.datasets.sample import Sample
from ood_eval.errors import DataError

_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


class Pictures:
    """Samples without labels, named by their place below the folder without the ending.

    Args:
        root: a picture, or a folder of them.

    Raises:
        DataError: there is no picture, or two have one name but for the ending.
    """

    name = "pictures"
    class_names: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        if root.is_file():
            self._paths = {root.stem: root}
            return
        if not root.is_dir():
            raise DataError(f"{root}: no such picture, folder or benchmark; `ood_eval data where` lists the benchmarks")
        self._paths = {}
        for path in sorted(path for path in root.rglob("[!.]*") if path.suffix.lower() in _SUFFIXES and path.is_file()):
            name = path.relative_to(root).with_suffix("").as_posix()
            if name in self._paths:
                raise DataError(f"{path}: has the name of {self._paths[name]}; keep one of them")
            self._paths[name] = path
        if not self._paths:
            raise DataError(f"{root}: holds no picture ({', '.join(sorted(_SUFFIXES))})")

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        path = self.files(index)[0]
        try:
            with Image.open(path) as picture:
                image = np.array(picture.convert("RGB"), dtype=np.uint8)
        except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise DataError(f"{path}: not a readable picture") from error
        return Sample(self.identity(index), image, None, None)

    def files(self, index: int) -> Sequence[Path]:
        """The file of a picture."""
        return (list(self._paths.values())[index],)

    def identity(self, index: int) -> str:
        """The name of a picture."""
        return list(self._paths)[index]
