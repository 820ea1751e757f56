"""A backend as on a GPU, without one: the plan, the programs and the kernels that CuPy would run."""

from __future__ import annotations

import numpy as np

from runtime.backend import Backend
from runtime.device_backend import device_backend
from tests.runtime.strict_xp import DeviceArray, xp


def strict_backend() -> Backend:
    return device_backend("strict", xp, _to_host, lambda: np.errstate(all="ignore"), lambda: 1 << 40)


def _to_host(array: DeviceArray) -> object:
    return array.get()
