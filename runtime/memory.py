"""How much memory the machine can still give."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.source import Span

CGROUP = Path("/sys/fs/cgroup")
UNKNOWN_MACHINE_BYTES = 4 << 30
"""Taken for a machine that says nothing about itself."""


def available_bytes() -> int:
    """Memory that can be had without swapping, limits of container and process counted; an estimate, never 0."""
    return max(min(_machine_bytes(), _container_bytes(), _process_bytes()), 1)


def _machine_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return UNKNOWN_MACHINE_BYTES


def _container_bytes() -> int:
    pairs = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
    for limit_name, used_name in pairs:
        try:
            limit = (CGROUP / limit_name).read_text("ascii").strip()
            used = (CGROUP / used_name).read_text("ascii").strip()
            return max(int(limit) - int(used), 0)
        except (OSError, ValueError):
            continue
    return 1 << 62


def _process_bytes() -> int:
    """What `ulimit -v` leaves."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return 1 << 62
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        pages = 0
    return max(limit - pages * resource.getpagesize(), 0)


def require_memory(needed: int, free: int, what: str = "training", span: Span | None = None) -> None:
    """Raises RunError NN852 when it does not fit, before anything is allocated. span: the line that asks for most."""
    if needed > free:
        raise RunError(
            Diagnostic(
                "NN852",
                f"{what} needs {in_words(needed)} of memory, and this machine has {in_words(free)} to give",
                span,
                help="make `batch` smaller, cut long texts with `max=`, keep fewer words with `keep=`, "
                "or make layers narrower",
            )
        )


def in_words(count: int) -> str:
    """`14 MB`, `1.5 GB`: two digits are enough to decide by."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.0f} TB" if value >= 10 else f"{value:.1f} TB"
