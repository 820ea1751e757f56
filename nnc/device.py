"""`--device` and `--kernels`: what computes."""

from __future__ import annotations

import os
from importlib.util import find_spec

from dsl.errors import Diagnostic, NncError, RunError
from dsl.render import show
from nnc.machine import KERNELS
from runtime.backend import Backend
from runtime.cuda_backend import Gpu, cuda_backend, gpu, installed
from runtime.numpy_backend import numpy_backend
from runtime.threads import threads


def backend_of(device: str, kernels: str | None = None) -> Backend:
    """What computes. auto takes a GPU that works, else the processor without a word: `nnc doctor` says why.

    kernels: on the processor numpy or fast; None for what the environment says in NNC_KERNELS, or else numpy
    Raises RunError NN840 to NN846, NN865, NN852 for a GPU that was asked for by name and does not answer; NN847 for
    kernels that need Numba where it is not installed.
    """
    if device == "cpu":
        return _of_processor(kernels)
    if device != "auto":
        return cuda_backend(int(device.partition(":")[2] or 0))
    if not installed():
        return _of_processor(kernels)
    try:
        return cuda_backend()
    except NncError:
        return _of_processor(kernels)


def _of_processor(kernels: str | None) -> Backend:
    chosen = kernels or os.environ.get("NNC_KERNELS") or KERNELS[0]
    if chosen not in KERNELS:
        raise ValueError(f"kernels are {' or '.join(KERNELS)}, not {show(chosen)!r}")
    if chosen == "numpy":
        return numpy_backend()
    if find_spec("numba") is None:
        message = "Numba is not installed, which compiles the kernels of --kernels fast"
        help = 'pip install "nnc[fast]"; or --kernels numpy, which needs nothing and computes the same'
        raise RunError(Diagnostic("NN847", message, help=help))
    from runtime.native.backend import native_backend

    return native_backend(threads=threads())


def gpu_or_why_not() -> Gpu | Diagnostic:
    """The first GPU, or what there is to say where auto would not take one."""
    try:
        return gpu()
    except NncError as error:
        return error.diagnostics[0]
