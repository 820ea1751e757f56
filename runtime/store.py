"""Weights and states by name: what the steps of a run write to."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping

import numpy as np

from compiler.ir.graph import Flat, Graph
from dsl.errors import InternalError
from runtime.backend import NUMPY_DTYPES, Array, Backend


def parted(op: Flat, vector: Array) -> dict[str, Array]:
    """Its parts by name, in the vector's own memory."""
    return {part.name: vector[start : start + part.size].reshape(part.shape) for start, part in op.starts()}


class Store(UserDict[str, Array]):
    """Those that a graph moves as one vector (`Flat`) lie side by side in it, and are found under its name too."""

    def __init__(self, backend: Backend, graph: Graph, values: Mapping[str, Array] | None = None) -> None:
        super().__init__()
        self._vectors: dict[str, Array] = {}
        self._places: dict[str, Array] = {}
        for op in (node.op for node in graph.inputs):
            if not isinstance(op, Flat):
                continue
            dtype = np.dtype(NUMPY_DTYPES[op.given.dtype])
            size = sum(part.size for part in op.parts)
            vector = self._vectors[op.name] = backend.empty(size * dtype.itemsize).view(dtype)
            self._places |= parted(op, vector)
        for name, array in (values or {}).items():
            self[name] = array

    def __setitem__(self, name: str, array: Array) -> None:
        """The array itself, or, where the name's place is in a vector, its numbers."""
        place = self._places.get(name)
        if place is not None:
            place[...] = array
        super().__setitem__(name, array if place is None else place)

    def __missing__(self, name: str) -> Array:
        if name not in self._vectors:
            raise InternalError(f"there is no {name} in the store")
        return self._vectors[name]
