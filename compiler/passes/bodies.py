"""Passes over the bodies of loops: these are graphs as any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from compiler.ir.graph import Graph, Node, apply, rebuild, with_inputs
from compiler.ops.scan import Body, Scan


def in_bodies(run: Callable[[Graph], Graph], graph: Graph) -> Graph:
    """The graph with a pass run over the body of every loop, and over no more."""

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        if not isinstance(old.op, Scan):
            return with_inputs(old, inputs)
        body = Body(run(old.op.body.graph))
        if body == old.op.body:
            return with_inputs(old, inputs)
        return apply(replace(old.op, body=body), *inputs, span=old.span)

    return rebuild(graph, change) if any(isinstance(n.op, Scan) for n in graph.nodes()) else graph
