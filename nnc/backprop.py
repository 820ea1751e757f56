"""The chain rule with numbers: what flows back through each link of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.chain import Link, backward, taken
from compiler.ir.graph import Graph, Input, Node
from compiler.ir.types import bound_shape
from runtime.backend import Array, Value
from runtime.interpret import evaluate

MOST_RESULTS, MOST_LOCAL = 16, 256
"""A local gradient has a row for each number of the result: beyond so many rows, or numbers, it is not computed."""


@dataclass(frozen=True)
class Edge:
    """What a link hands to one of its operands.

    local: the numbers of the result by those of the operand, [result, operand]; None where there are too many
    downstream: upstream times local, in the operand's shape
    """

    operand: Node
    local: Array | None
    downstream: Array


@dataclass(frozen=True)
class Passed:
    """A link that gradients have passed. upstream: of each of its results, what all who read it have handed it"""

    link: Link
    upstream: tuple[Array, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Walk:
    """passed: in the order of the links; gradients: of the root with respect to each value and leaf"""

    passed: tuple[Passed, ...]
    gradients: Mapping[Node, Array]


def lengths_of(graph: Graph) -> dict[str, Node]:
    """By sequence symbol, the inputs that say how long a batch's sequences are."""
    inputs = [(n, n.op) for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "lengths"]
    return {op.name.removeprefix("lengths."): node for node, op in inputs}


def walk(
    links: Sequence[Link],
    root: Node,
    values: Mapping[Node, Value],
    lengths: Mapping[str, Node],
    sizes: Mapping[str, int],
    *,
    local: bool,
) -> Walk:
    """From the root, whose gradient is 1, back through all links. local: with local gradients, where they are small"""
    gradients: dict[Node, Array] = {root: np.ones_like(values[root])}
    known = {op.name: values[n] for n in lengths.values() if isinstance(op := n.op, Input)}
    passed: list[Passed] = []
    for link in reversed(links):
        graph = backward(link, lengths)
        upstream = tuple(gradients.setdefault(n, _zeros(n, sizes)) for n in link.results)
        given = {f"value.{i}": values[n] for i, n in enumerate(taken(link, lengths))} | known
        flows = evaluate(graph, {**given, **_named(upstream)}, sizes)
        jacobians = _jacobians(link, graph, given, upstream, sizes) if local else {}
        edges: list[Edge] = []
        for i, operand in enumerate(link.operands):
            name = f"downstream.{i}"
            flow = flows.get(name)
            flow = _zeros(operand, sizes) if flow is None else flow
            edges.append(Edge(operand, jacobians.get(name), flow))
            with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity: shown as NaN
                gradients[operand] = gradients[operand] + flow if operand in gradients else flow
        passed.append(Passed(link, upstream, tuple(edges)))
    return Walk(tuple(reversed(passed)), gradients)


def _zeros(node: Node, sizes: Mapping[str, int]) -> Array:
    return np.zeros(bound_shape(node.type, sizes))


def _named(upstream: Sequence[Array]) -> dict[str, Array]:
    return {f"upstream.{i}": each for i, each in enumerate(upstream)}


def _jacobians(
    link: Link, graph: Graph, given: Mapping[str, Array], upstream: Sequence[Array], sizes: Mapping[str, int]
) -> dict[str, Array]:
    """By the outputs of the graph. One unit of upstream gradient at a time gives one row."""
    if len(upstream) != 1 or upstream[0].size > MOST_RESULTS:
        return {}
    (whole,) = upstream
    wanted = {
        f"downstream.{i}": int(np.prod(bound_shape(n.type, sizes)))
        for i, n in enumerate(link.operands)
        if whole.size * np.prod(bound_shape(n.type, sizes)) <= MOST_LOCAL
    }
    found = {name: np.zeros((whole.size, count)) for name, count in wanted.items()}
    for i in range(whole.size):
        unit = np.zeros(whole.size)
        unit[i] = 1
        flows = evaluate(graph, {**given, "upstream.0": unit.reshape(whole.shape)}, sizes)
        for name in found:
            if name in flows:
                found[name][i] = flows[name].ravel()
    return found
