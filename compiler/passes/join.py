"""A loop and the same loop with more of its values given out are one: what the gradient of a loop leaves behind."""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.graph import Graph, Node, rebuild, with_inputs
from compiler.ops.scan import Body, Scan


def join(graph: Graph) -> Graph:
    """Of scans that differ only in how many of their values they give out, the one with most serves all."""
    fullest: dict[Node, Node] = {}
    scans = [n for n in graph.nodes() if isinstance(n.op, Scan)]
    for node in sorted(scans, key=_count, reverse=True):
        fullest[node] = next((known for known in fullest.values() if _begins_with(known, node)), node)
    new: dict[Node, Node] = {}

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        if not isinstance(old.op, Scan):
            return with_inputs(old, inputs)
        whole = fullest[old]
        if whole not in new:
            new[whole] = with_inputs(whole, inputs)
        return new[whole]

    return rebuild(graph, change)


def _count(node: Node) -> int:
    return len(node.type.parts)


def _begins_with(known: Node, node: Node) -> bool:
    """Whether the known scan does what the node does, and its first values are the node's."""
    a, b = known.op, node.op
    if not isinstance(a, Scan) or not isinstance(b, Scan) or known.inputs != node.inputs:
        return False
    graph = a.body.graph
    cut = Graph(graph.inputs, graph.outputs[: len(b.body.graph.outputs)])
    return replace(a, body=Body(cut)) == b
