"""How many threads compute: those of NumPy's products, or of kernels."""

from __future__ import annotations

import os

GIVEN = "NNC_THREADS"
NAMES = (GIVEN, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""What the environment may say; the first that is set counts, else all cores are used."""


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """At most one a core."""
    said = next((os.environ[name] for name in NAMES if os.environ.get(name)), "")
    return max(min(int(said), cores()), 1) if said.isdecimal() else cores()


def take(count: int) -> None:
    """For this process, if NumPy is not loaded yet, and for those that it starts."""
    for name in NAMES:
        os.environ[name] = str(count)
