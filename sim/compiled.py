"""How kernels are compiled: one decorator, and a cache that knows every kernel's source.

Numba renews a cached kernel when its own file changes, not when a kernel it calls does. So the
cache lives in a folder named after all sources that kernels are made of.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sim.collector import collector_paused

with collector_paused():
    import numba
# A third of all objects of a process are Numba's, and they live to its end: without this the
# collector goes through them again and again, and once more before the process ends.
gc.freeze()

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _cache_folder() -> Path:
    here = Path(__file__).parent
    digest = blake2b(digest_size=8)
    # Constants of the tally and of the draws are compiled in.
    constants = [
        here / name
        for name in ("compiled.py", "draws.py", "lanes.py", "rng.py", "dataplane/tally.py")
    ]
    for source in (*sorted(here.glob("*/kernels/*.py")), *constants):
        digest.update(source.read_bytes())
    if os.access(here, os.W_OK):
        parent = here / "__pycache__"
    else:
        parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relay-tree-sim"
    return parent / digest.hexdigest()


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]

# Kernels allocate nothing, so Numba's reference counting (`_nrt`) is left out: with it, every
# array in every tuple is counted at every call, which costs two thirds of the speed.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False, "_nrt": False}


_njit: Any = numba.njit  # its stubs do not know every option


def entry(function: Kernel) -> Kernel:
    """Compile a kernel that Python calls: cached, without the GIL, dividing as in C."""
    compiled: Kernel = _njit(cache=True, **OPTIONS)(function)
    return compiled


def kernel(function: Kernel) -> Kernel:
    """Compile a kernel that only kernels call: it becomes part of theirs."""
    compiled: Kernel = _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)
    return compiled


def inner(function: Kernel) -> Kernel:
    """Compile a kernel that becomes part of the loop around it, whatever its length.

    A call passes every array of every tuple, some hundred words, through memory.
    """
    compiled: Kernel = _njit(
        no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS
    )(function)
    return compiled


@kernel
def unsigned(index):  # type: ignore[no-untyped-def]
    """An index that is not negative, so that Numba does not ask whether it counts from the end."""
    return np.uint64(index)
