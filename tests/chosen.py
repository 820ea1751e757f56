"""What computes in a test that leaves it to `--kernels`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from compiler.ir.graph import Graph
from compiler.pipeline import compiler_for
from nnc.device import backend_of
from runtime.backend import Array, Backend
from runtime.execute import Executor


@cache
def backend() -> Backend:
    """One for all tests of a process: a compiled kernel is loaded once."""
    return backend_of("cpu")


def executor(graph: Graph, store: Mapping[str, Array]) -> Executor:
    return Executor(backend(), graph, compiler_for(backend().native is not None, backend().threads), store)
