"""Common subexpressions: what is computed twice from the same is computed once."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, Op, rebuild, with_inputs
from compiler.ir.types import Type


def cse(graph: Graph) -> Graph:
    """Nodes of one op, one type and the same inputs become the first of them. Random ones too: a site is drawn once."""
    first: dict[tuple[Op, tuple[Node, ...], Type], Node] = {}

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        node = with_inputs(old, inputs)
        return first.setdefault((node.op, node.inputs, node.type), node)

    return rebuild(graph, change)
