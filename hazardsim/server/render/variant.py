"""Which Mitsuba variant runs on this machine: probed in child processes, because a wrong LLVM aborts its process."""

from __future__ import annotations

import glob
import importlib
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from typing import Any

from hazardsim.errors import RenderError

_LOG = logging.getLogger(__name__)
_PROBE = (
    "import sys, mitsuba as mi\n"
    "mi.set_variant(sys.argv[1])\n"
    "scene = mi.load_dict({'type': 'scene', 'shape': {'type': 'sphere'}})\n"
    "ray = mi.Ray3f([0, 0, 4], [0, 0, -1])\n"
    "import drjit as dr\n"
    "t = scene.ray_intersect_preliminary(ray).t\n"
    "sys.exit(0 if abs(float(t if isinstance(t, float) else t[0]) - 3) < 1e-3 else 3)\n"
)
_PROBE_SECONDS = 120
# Source: measured; drjit 1.5 aborts the process with LLVM 14, 15 and 16 on current CPUs.
_LLVM_ORDER = ("19", "18", "20", "17", "21")
_LLVM_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/lib/llvm-*/lib",
    "/opt/llvm*/lib",
)

LLVM_VARIANT = "llvm_ad_rgb"
CUDA_VARIANT = "cuda_ad_rgb"
SCALAR_VARIANT = "scalar_rgb"


@dataclass(frozen=True, slots=True)
class Variant:
    """A Mitsuba variant that was seen to work, and the LLVM library it needs."""

    name: str
    llvm: str | None = None

    @property
    def vectorised(self) -> bool:
        """Whether the variant works on arrays (LLVM, CUDA) and not on one ray at a time."""
        return not self.name.startswith("scalar")


def llvm_candidates(environment: Mapping[str, str]) -> list[str]:
    """LLVM libraries worth a probe, best first; a path in DRJIT_LIBLLVM_PATH is the only one."""
    chosen = environment.get("DRJIT_LIBLLVM_PATH")
    if chosen:
        return [chosen]
    found: dict[str, str] = {}
    for folder in _LLVM_FOLDERS:
        for path in sorted(glob.glob(f"{folder}/libLLVM*.so*")):  # noqa: PTH207 - the folder part holds wildcards
            version = re.search(r"libLLVM(?:-|\.so\.)(\d+)", path)
            if version is not None:
                found.setdefault(version.group(1), path)
    return [found[v] for v in _LLVM_ORDER if v in found]


def _works(name: str, llvm: str | None, environment: Mapping[str, str]) -> bool:
    env = dict(environment)
    if llvm is not None:
        env["DRJIT_LIBLLVM_PATH"] = llvm
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, name], env=env, capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def choose_variant(wanted: str | None = None, environment: Mapping[str, str] | None = None) -> Variant:
    """The best variant that works here: CUDA, then LLVM, then scalar; `wanted` allows only that one.

    Raises:
        RenderError: `wanted` is unknown or does not run on this machine.
    """
    environment = os.environ if environment is None else environment
    known = (CUDA_VARIANT, LLVM_VARIANT, SCALAR_VARIANT)
    if wanted is not None and wanted not in known:
        raise RenderError(f"renderer variant {wanted!r} is unknown: choose one of {', '.join(known)}")
    if wanted in (None, CUDA_VARIANT) and (wanted or find_library("cuda")):
        if _works(CUDA_VARIANT, None, environment):
            return Variant(CUDA_VARIANT)
        if wanted:
            raise RenderError(f"renderer variant {wanted!r} does not run here: it needs an NVIDIA GPU with OptiX")
    if wanted in (None, LLVM_VARIANT):
        for path in llvm_candidates(environment):
            if _works(LLVM_VARIANT, path, environment):
                return Variant(LLVM_VARIANT, path)
            _LOG.warning("LLVM library %s does not work with Mitsuba", path)
        if wanted:
            raise RenderError(
                f"renderer variant {wanted!r} does not run here: install libllvm19, "
                "or name a libLLVM 17-20 in DRJIT_LIBLLVM_PATH"
            )
    if not _works(SCALAR_VARIANT, None, environment):
        raise RenderError("Mitsuba does not run on this machine: try `python -c 'import mitsuba'` to see why")
    if wanted is None:
        _LOG.warning(
            "no usable LLVM 17-20 found: rendering with %s, several times slower; install libllvm19", SCALAR_VARIANT
        )
    return Variant(SCALAR_VARIANT)


def activate(variant: Variant) -> None:
    """Make `variant` the one that `import mitsuba` gives in this thread."""
    if variant.llvm is not None:
        os.environ["DRJIT_LIBLLVM_PATH"] = variant.llvm
    _, mi = native()
    if mi.variant() != variant.name:
        mi.set_variant(variant.name)


@contextmanager
def scalar_meanwhile() -> Iterator[None]:
    """Have the body load its objects in the scalar variant, in a process that draws with another one.

    The active variant is the process's, so nobody else may draw or load meanwhile; what was loaded may be used later.
    """
    _, mi = native()
    before = mi.variant()
    mi.set_variant(SCALAR_VARIANT)
    try:
        yield
    finally:
        mi.set_variant(before)


def scalar_native() -> Any:  # noqa: ANN401
    """Mitsuba's classes for one ray at a time, whatever variant is active; for any thread."""
    return importlib.import_module(f"mitsuba.{SCALAR_VARIANT}")


def native() -> tuple[Any, Any]:
    """Import drjit and Mitsuba, here and nowhere else; untyped, because their classes depend on the active variant."""
    import drjit
    import mitsuba

    return drjit, mitsuba


def scalar_now() -> bool:
    """Whether the active variant works on one ray at a time."""
    _, mi = native()
    return str(mi.variant()).startswith("scalar")
