"""The weights with which a network looks at the positions of a sequence, as results of a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from compiler.ir.graph import Graph, Node, Output, apply
from compiler.ir.types import Dim, positions
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadSpread, KeySoftmax
from compiler.ops.scan import Body, Part, Scan
from dsl.source import Span


@dataclass(frozen=True)
class Looking:
    """One layer that looks: `attention`, `attend`, `weighted`.

    name: of the result; span: of the layer
    queries: the positions that look, None for what looks once; keys: those that are looked at
    layout: heads [B, heads, queries, keys]; steps, of a loop, [queries, B, heads, 1, keys]; scores, of `weighted`,
        [B, 1, keys, scores]
    """

    name: str
    span: Span | None
    queries: Dim | None
    keys: Dim
    layout: Literal["heads", "steps", "scores"]


def with_looks(graph: Graph) -> tuple[Graph, tuple[Looking, ...]]:
    """The graph of the weights alone, in the order in which they are computed."""
    found: list[Looking] = []
    outputs: list[Output] = []

    def add(node: Node, span: Span | None, queries: Dim | None, keys: Dim, layout: str) -> None:
        name = f"look.{len(found)}"
        assert layout in ("heads", "steps", "scores")
        found.append(Looking(name, span, queries, keys, layout))
        outputs.append(Output(name, node))

    every = graph.nodes()
    mixed = {_normal(n.inputs[0]) for n in every if isinstance(n.op, (HeadMix, HeadSpread))}
    for node in every:
        match node.op:
            case HeadMix():
                weights = node.inputs[0]
                queries = weights.type.shape[2]
                add(weights, node.span, None if queries == 1 else queries, positions(weights.type.shape[3]), "heads")
            case HeadSpread(length=keys):
                # Of `weighted`, whose weights stand at the positions that are looked at.
                del keys
                weights = node.inputs[0]
                add(weights, node.span, None, weights.type.shape[2], "scores")
            case KeySoftmax() | CausalSoftmax() if node not in mixed:
                # Of `attend` whose weights alone are read, as by `pointer`.
                queries = node.type.shape[2]
                add(node, node.span, None if queries == 1 else queries, positions(node.type.shape[3]), "heads")
            case Scan():
                for weights, span, part in _of_loop(node, node.op):
                    add(part, span, node.op.length, positions(weights.type.shape[3]), "steps")
            case _:
                pass
    return Graph(graph.inputs, tuple(outputs)), tuple(found)


def _of_loop(node: Node, scan: Scan) -> list[tuple[Node, Span | None, Node]]:
    """The weights inside a loop, the line that looks, and the weights of all steps as a result of the loop."""
    body = scan.body.graph
    varying = scan.varying()
    mixes = [n for n in body.nodes() if isinstance(n.op, HeadMix)]
    mixed = {_normal(n.inputs[0]) for n in mixes}
    alone = [n for n in body.nodes() if isinstance(n.op, KeySoftmax) and n not in mixed]
    every = [*((n.inputs[0], n.span) for n in mixes), *((n, n.span) for n in alone)]
    inside = [(weights, span) for weights, span in every if weights in varying]
    if not inside:
        return []
    more = tuple(Output(f"look.{i}", weights) for i, (weights, _) in enumerate(inside))
    longer = replace(scan, body=Body(Graph(body.inputs, (*body.outputs, *more))))
    whole = apply(longer, *node.inputs, span=node.span)
    first = len(body.outputs)
    return [(weights, span, apply(Part(first + i), whole)) for i, (weights, span) in enumerate(inside)]


def _normal(weights: Node) -> Node:
    """The softmax that they come from."""
    while not isinstance(weights.op, (KeySoftmax, CausalSoftmax)) and weights.inputs:
        weights = weights.inputs[0]
    return weights
