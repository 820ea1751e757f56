"""`--device` and `--kernels`: what computes."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

from dsl.errors import Diagnostic, NncError, RunError
from dsl.render import show
from nnc.machine import KERNELS
from runtime.backend import Backend
from runtime.cuda_backend import Gpu, cuda_backend, gpu, installed
from runtime.numpy_backend import numpy_backend
from runtime.threads import cores, threads


def backend_of(device: str, kernels: str | None = None, count: int | None = None) -> Backend:
    """What computes. auto takes a GPU that works, else the processor without a word: `nnc doctor` says why.

    kernels: on the processor auto, numpy or fast; None for what the environment says in NNC_KERNELS, or else auto,
        which is NumPy, and for a training see `nnc.auto`
    count: of the threads that run fast kernels; None for what the environment says, or else one a core
    Raises ValueError for kernels that there are not, and for threads of none; RunError NN840 to NN846, NN865, NN852 for
    a GPU that was asked for by name and does not answer; NN847 for kernels that need Numba where it is not installed.
    """
    if device == "cpu":
        return _of_processor(kernels, count)
    if device != "auto":
        return cuda_backend(int(device.partition(":")[2] or 0))
    if not installed():
        return _of_processor(kernels, count)
    try:
        return cuda_backend()
    except NncError:
        return _of_processor(kernels, count)


def _of_processor(kernels: str | None, count: int | None) -> Backend:
    chosen = kernels or os.environ.get("NNC_KERNELS") or KERNELS[0]
    if chosen not in KERNELS:
        raise ValueError(f"kernels are {' or '.join(KERNELS)}, not {show(chosen)!r}")
    there = find_spec("numba") is not None
    if chosen == "auto" and not there:
        chosen = "numpy"
    if count is not None and (chosen == "numpy" or count < 1):
        raise ValueError(
            f"threads are at least one, and those of kernels='fast', not {count} of {chosen}; "
            "NumPy takes as many as NNC_THREADS says when it is loaded"
        )
    if chosen == "numpy":
        return numpy_backend()
    if not there:
        message = "Numba is not installed, which compiles the kernels of --kernels fast"
        help = 'pip install "nnc[fast]"; or --kernels numpy, which needs nothing and computes the same'
        raise RunError(Diagnostic("NN847", message, help=help))
    fast = partial(_compiled, threads() if count is None else min(count, cores()))
    return replace(numpy_backend(), later=fast) if chosen == "auto" else fast()


def _compiled(count: int) -> Backend:
    from runtime.native.backend import native_backend

    return native_backend(threads=count)


def gpu_or_why_not() -> Gpu | Diagnostic:
    """The first GPU, or what there is to say where auto would not take one."""
    try:
        return gpu()
    except NncError as error:
        return error.diagnostics[0]
