"""Which values are surely no probabilities: how far the numbers of each can lie outside of 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from compiler.ir.graph import Input, Node, Op, sorted_nodes
from compiler.ops.attention import CausalSoftmax, KeySoftmax
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import (
    Abs,
    Add,
    Constant,
    Div,
    Equal,
    Erf,
    Exp,
    Greater,
    Log,
    Maximum,
    Minimum,
    Neg,
    Relu,
    Sigmoid,
    Sign,
    Softplus,
    Sqrt,
    Sub,
    Tanh,
)
from compiler.ops.lookup import Gather, OneHot
from compiler.ops.normal import LogSoftmax, PositionSoftmax, Softmax
from compiler.ops.positions import Sinusoid
from compiler.ops.scan import Ended, Part, Scan
from compiler.ops.sequence import Lengths
from compiler.ops.shape import Broadcast


class Spread(IntEnum):
    """The larger, the further outside. What is combined of two values spreads as far as the further one, at least."""

    UNKNOWN = 0
    """They may be probabilities."""
    SIGNED = 1
    """Some are below 0, as a tanh; a number may be added that lifts all above."""
    ANY = 2
    """Of any size: no number that is added makes probabilities of them."""


OF_PROBABILITIES = (
    Exp, Sigmoid, Softmax, KeySoftmax, CausalSoftmax, PositionSoftmax, Sqrt, Greater, Equal, OneHot, Lengths, Ended,
    DropoutMask,
)  # fmt: skip
"""What these give may be: exp(-x) as a likeness, for example, and a root where it is divided by."""
SIGNED = (Tanh, Sign, Erf, Sinusoid)
UNBOUNDED = (Log, LogSoftmax, Softplus)


def spread_of(value: Node) -> Spread:
    """value: of a network's forward graph."""
    return _spreads([value], {})[value]


def _spreads(roots: Iterable[Node], given: Mapping[Node, Spread]) -> dict[Node, Spread]:
    """Of every node below the roots. given: of inputs of a loop's body"""
    found: dict[Node, Spread] = {}
    loops: dict[Node, list[Spread]] = {}
    for node in sorted_nodes(roots):
        if node in given:
            found[node] = given[node]
        elif isinstance(node.op, Scan):
            loops[node] = _of_loop(node.op, [found[n] for n in node.inputs])
            found[node] = Spread.UNKNOWN
        elif isinstance(node.op, Part) and node.inputs[0] in loops:
            found[node] = loops[node.inputs[0]][node.op.index]
        else:
            found[node] = _of(node, [found[n] for n in node.inputs])
    return found


def _of_loop(op: Scan, of_inputs: list[Spread]) -> list[Spread]:
    """Of its parts: states spread further from step to step, until they do no more."""
    graph = op.body.graph
    given = dict(zip(graph.inputs, of_inputs, strict=False))
    while True:
        inside = _spreads([o.node for o in graph.outputs], given)
        results = [inside[o.node] for o in graph.outputs]
        wider = given | {n: max(given[n], r) for n, r in zip(graph.inputs[: op.states], results, strict=False)}
        if wider == given:
            return [*(given[n] for n in graph.inputs[: op.states]), *results[op.states :]]
        given = wider


def _of(node: Node, of_inputs: list[Spread]) -> Spread:
    most = max(of_inputs, default=Spread.UNKNOWN)
    match node.op:
        case Input(kind=kind):
            free = kind == "weight" or (kind == "data" and node.type.dtype in ("f32", "f64"))
            return Spread.ANY if free else Spread.UNKNOWN
        case Gather():
            return of_inputs[0]
        case Add() | Sub() if any(map(_is_number, node.inputs)):
            return _unless(most, Spread.SIGNED)
        case Maximum() | Minimum() if any(map(_is_number, node.inputs)):
            return Spread.UNKNOWN
        case Neg():
            return max(most, Spread.SIGNED)
        case Relu() | Abs():
            return _unless(most, Spread.SIGNED)
        case Div():
            # Of what the divisor is made of, the quotient may be normalized by.
            return min(of_inputs[0], Spread.SIGNED) if of_inputs[1] == Spread.UNKNOWN else Spread.UNKNOWN
        case op:
            return _of_kind(op, most)


def _of_kind(op: Op, most: Spread) -> Spread:
    if isinstance(op, OF_PROBABILITIES):
        return Spread.UNKNOWN
    if isinstance(op, SIGNED):
        return Spread.SIGNED
    return Spread.ANY if isinstance(op, UNBOUNDED) else most


def _unless(spread: Spread, other: Spread) -> Spread:
    return Spread.UNKNOWN if spread == other else spread


def _is_number(node: Node) -> bool:
    while isinstance(node.op, Broadcast):
        node = node.inputs[0]
    return isinstance(node.op, Constant)
