"""What a run may use of the machine, beside memory; and what of it decides the last bits of its numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.threads import threads

if TYPE_CHECKING:
    from runtime.backend import Backend

DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]{1,4})?")
"""What `--device` and `device=` take."""
KERNELS = ("auto", "numpy", "fast")
"""What `--kernels`, `kernels=` and NNC_KERNELS take; the first is what counts without them."""


def facts(backend: Backend) -> dict[str, str]:
    """What equal bits depend on beside the spec and the data, each by the name that a person is told."""
    import numpy as np

    from nnc import __version__

    config = np.show_config(mode="dicts")
    found: Mapping[str, Any] = config if isinstance(config, dict) else {}
    blas = found.get("Build Dependencies", {}).get("blas", {})
    simd = found.get("SIMD Extensions", {})
    return {
        "nnc": __version__,
        "NumPy": np.__version__,
        "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "threads": str(threads() if backend.native is None else backend.threads),
        "processor": _processor(),
        "instructions": " ".join([*simd.get("baseline", ()), *simd.get("found", ())]),
        "BLAS kernel": os.environ.get("OPENBLAS_CORETYPE", "the processor's own"),
        "device": backend.name,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return os.uname().machine if hasattr(os, "uname") else "unknown"
