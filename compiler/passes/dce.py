"""Dead code: a graph holds only what its outputs need, so what can be dead is an output."""

from __future__ import annotations

from compiler.ir.graph import Graph, Input


def dce(graph: Graph) -> Graph:
    """w := w is no update. Inputs stay listed, read or not: they are what may be fed."""
    return Graph(graph.inputs, tuple(o for o in graph.outputs if not _writes_itself(o.update, o.node.op)))


def _writes_itself(update: str | None, op: object) -> bool:
    return isinstance(op, Input) and op.name == update
