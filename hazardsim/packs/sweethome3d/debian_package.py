"""Takes named files out of a Debian package without Debian's tools, as a stream.

Source: deb(5) and ar(5): `!<arch>`, then members of a 60-byte header and their bytes, padded to even length.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

from hazardsim.errors import AssetError

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60


def unpack_deb(deb: Path, wanted: Collection[str], into: Path) -> dict[str, Path]:
    """Copy the files with these base names out of `deb` into the folder `into`; gives their paths by name.

    Raises:
        AssetError: `deb` is missing, no Debian package, damaged, leads out of its own tree, or lacks a file.
    """
    try:
        with deb.open("rb") as file:
            found = _copy(_data_member(file, deb), set(wanted), into, deb)
    except OSError as error:
        raise AssetError(f"cannot read {deb}: {error.strerror or error}") from error
    except (EOFError, lzma.LZMAError, zlib.error, tarfile.TarError, ValueError) as error:
        raise AssetError(f"{deb} is damaged or no Debian package: {error}; download it again") from error
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise AssetError(f"{deb} does not hold {', '.join(missing)}; is it the right package?")
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hexadecimal text.

    Raises:
        AssetError: the file cannot be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror or error}") from error
    return total.hexdigest()


def _data_member(file: BinaryIO, deb: Path) -> IO[bytes]:
    """The unpacked stream of `data.tar.*`; the file stands at the member's first byte."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise AssetError(f"{deb} is no Debian package (it does not start with '!<arch>')")
    while len(header := file.read(_HEADER)) == _HEADER:
        name = header[:16].decode("latin-1").strip().rstrip("/")
        size = int(header[48:58].decode("ascii", "replace"))
        if name == "data.tar.xz":
            return lzma.open(file)
        if name == "data.tar.gz":
            return gzip.open(file)  # type: ignore[return-value]
        if name.startswith("data.tar"):
            raise AssetError(f"{deb}: {name} is packed in a way that is not supported; use a package with data.tar.xz")
        file.seek(size + size % 2, 1)
    raise AssetError(f"{deb} holds no data.tar; download it again")


def _copy(stream: IO[bytes], wanted: set[str], into: Path, deb: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    with stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise AssetError(f"{deb}: member {member.name!r} leads out of the package; refused")
            if path.name not in wanted or not member.isfile():
                continue
            content = archive.extractfile(member)
            if content is None:
                continue
            target = into / path.name
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            found[path.name] = target
            if len(found) == len(wanted):
                break
    return found
