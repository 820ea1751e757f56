"""`--device`: what computes."""

from __future__ import annotations

from dsl.errors import Diagnostic, NncError
from runtime.backend import Backend
from runtime.cuda_backend import Gpu, cuda_backend, gpu, installed
from runtime.numpy_backend import numpy_backend


def backend_of(device: str) -> Backend:
    """What computes. auto takes a GPU that works, else the processor without a word: `nnc doctor` says why.

    Raises RunError NN840 to NN846, NN865, NN852 for a GPU that was asked for by name and does not answer.
    """
    if device == "cpu":
        return numpy_backend()
    if device != "auto":
        return cuda_backend(int(device.partition(":")[2] or 0))
    if not installed():
        return numpy_backend()
    try:
        return cuda_backend()
    except NncError:
        return numpy_backend()


def gpu_or_why_not() -> Gpu | Diagnostic:
    """The first GPU, or what there is to say where auto would not take one."""
    try:
        return gpu()
    except NncError as error:
        return error.diagnostics[0]
