"""How much memory a process took at most since a moment, from what Linux counts."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

MB = 1e6


def begin() -> dict[str, int]:
    """Gives back what is free, and sets the mark of the most that was resident to what is resident now."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return _resident()


def took(before: dict[str, int]) -> dict[str, float]:
    """Megabytes. step: over what stood before, without pages of code that were read since; process: all of it."""
    now = _resident()
    code = now["RssFile"] - before["RssFile"]
    return {"step": (now["VmHWM"] - before["VmRSS"] - code) / MB, "process": now["VmHWM"] / MB}


def _resident() -> dict[str, int]:
    lines = (line.split() for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[0] in ("VmRSS:", "VmHWM:", "RssFile:")}
