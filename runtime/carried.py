"""States that go on from window to window of a stream: those of `stateful` layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compiler.ir.graph import Graph, Input
from compiler.ir.types import Type, bound_shape
from runtime.backend import NUMPY_DTYPES, Array


class Carried:
    """now: what the next window is fed, by input; empty before a stream begins, and where no layer is stateful."""

    def __init__(self, graph: Graph) -> None:
        given = {o.name for o in graph.outputs}
        self.types: dict[str, Type] = {}
        for node in graph.inputs:
            if isinstance(node.op, Input) and node.op.kind == "data" and f"{node.op.name}'" in given:
                self.types[node.op.name] = node.type
        self.now: dict[str, Array] = {}

    def begin(self, sizes: Mapping[str, int]) -> None:
        """Zeros: nothing has been read."""
        self.now = {n: np.zeros(shape, NUMPY_DTYPES[self.types[n].dtype]) for n, shape in self.shapes(sizes).items()}

    def hand_on(self, results: dict[str, Array]) -> None:
        """Takes the states that a window leaves out of its results. They are copied: the next run overwrites them."""
        self.now = {name: np.array(results.pop(f"{name}'")) for name in self.types}

    def shapes(self, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        return {name: bound_shape(type_, sizes) for name, type_ in self.types.items()}
