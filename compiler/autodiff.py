"""Reverse mode: a graph's gradients as more graph, by the ops' own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.ir.graph import Input, Node, apply, sorted_nodes
from compiler.ir.types import Type, rows_of, sequence_symbol
from compiler.ops.elementwise import Add, constant
from compiler.ops.lookup import AddRows, Dense
from compiler.ops.reduction import Sum
from compiler.ops.scan import Part, Scan
from compiler.ops.sequence import Mask
from compiler.ops.shape import Reshape, Transpose
from compiler.scan_gradient import scan_gradient
from dsl.source import Span


def gradients(
    loss: Node,
    wrt: Sequence[Node],
    lengths: Mapping[str, Node],
    seed: Node | None = None,
) -> list[Node | None]:
    """The gradient of a number with respect to each node; None where the loss does not depend on it.

    lengths: a sequence symbol -> its lengths input; the walk masks where a sum would count padding
    seed: the cotangent to start from, 1 where it is left out; of loss's type

    A table that is only looked up has a row-sparse gradient.
    """
    assert seed is not None or loss.type.shape == ()
    one = seed if seed is not None else constant(1.0, loss.type.dtype, loss.span)
    return cotangents({loss: one}, wrt, lengths)


def cotangents(seeds: Mapping[Node, Node], wrt: Sequence[Node], lengths: Mapping[str, Node]) -> list[Node | None]:
    """What flows from several values, whose cotangents are given, to each node."""
    wanted = set(wrt)
    order = sorted_nodes(seeds)
    needed = _depending(order, wanted)
    found: dict[Node, Node] = dict(seeds)
    parts: dict[Node, dict[int, Node]] = {}
    for node in reversed(order):
        if node not in needed or node in wanted:
            continue
        if isinstance(node.op, Scan):
            given = parts.pop(node, None)
            if given is None:
                continue
            flowing = scan_gradient(
                node, given, needed, lambda s, w: cotangents(s, w, lengths), lambda x: _masked(x, lengths, x.span)
            )
        elif node not in found:
            continue
        elif isinstance(node.op, Part):
            cotangent = _safe(node, found.pop(node), lengths)
            known = parts.setdefault(node.inputs[0], {})
            before = known.get(node.op.index)
            known[node.op.index] = cotangent if before is None else accumulate(before, cotangent, node.span)
            continue
        else:
            flowing = node.op.gradient(node, _safe(node, found.pop(node), lengths))
        flows = [
            (operand, unbroadcast(flow, operand.type, lengths))
            for operand, flow in zip(node.inputs, flowing, strict=True)
            if flow is not None and operand in needed
        ]
        for operand, flow in zip([o for o, _ in flows], _owned([f for _, f in flows], node), strict=True):
            before = found.get(operand)
            if before is None:
                found[operand] = flow
            else:
                (found[operand],) = _owned([accumulate(before, flow)], operand if operand.span else node)
    return [found.get(node) for node in wrt]


def _depending(order: Sequence[Node], wanted: set[Node]) -> set[Node]:
    needed: set[Node] = set()
    for node in order:
        if node in wanted or any(n in needed for n in node.inputs):
            needed.add(node)
    return needed


def _safe(node: Node, cotangent: Node, lengths: Mapping[str, Node]) -> Node:
    """Zeros in the padding of a sequence's cotangent: what padding computes must reach no weight."""
    if cotangent.type.ragged is None or cotangent.type.pad == "zero":
        return cotangent
    return _masked(cotangent, lengths, node.span)


def _masked(x: Node, lengths: Mapping[str, Node], span: Span | None = None) -> Node:
    """x with zeros in its padding, wherever its ragged axis is."""
    ragged = x.type.ragged
    assert ragged is not None
    symbol = sequence_symbol(x.type.shape[ragged])
    first = (x.type.shape.index(rows_of(x.type.shape[ragged])), ragged)
    order = (*first, *(i for i in range(x.type.rank) if i not in first))
    if {*first} == {0, 1}:
        return apply(Mask("zero"), x, lengths[symbol], span=span)
    there = apply(Mask("zero"), apply(Transpose(order), x, span=span), lengths[symbol], span=span)
    return apply(Transpose(tuple(order.index(i) for i in range(len(order)))), there, span=span)


def unbroadcast(cotangent: Node, to: Type, lengths: Mapping[str, Node]) -> Node:
    """The cotangent summed back to the shape of an operand that was broadcast."""
    if cotangent.type.shape == to.shape:
        return cotangent
    lead = cotangent.type.rank - to.rank
    axes = tuple(range(lead)) + tuple(
        lead + i for i, dim in enumerate(to.shape) if dim == 1 and cotangent.type.shape[lead + i] != 1
    )
    ragged = cotangent.type.ragged
    if ragged in axes and cotangent.type.pad != "zero":
        cotangent = _masked(cotangent, lengths)
    return apply(Reshape(to.shape), apply(Sum(axes), cotangent))


def accumulate(a: Node, b: Node, span: Span | None = None) -> Node:
    """The sum of two values, either of which may be row-sparse; it is dense."""
    if a.type.rows is None and b.type.rows is None:
        return apply(Add(), a, b, span=span)
    if a.type.rows is not None and b.type.rows is not None:
        return apply(AddRows(), apply(Dense(), a, span=span), b, span=span)
    dense, sparse = (a, b) if a.type.rows is None else (b, a)
    return apply(AddRows(), dense, sparse, span=span)


def _owned(flowing: list[Node], owner: Node) -> list[Node]:
    """The nodes that a gradient rule just made, with the span of the node that they are the gradient of."""
    if owner.span is None:
        return flowing
    new: dict[Node, Node] = {}
    # What has a span was there before; so was all below it.
    for node in sorted_nodes(flowing, leaf=lambda n: n.span is not None):
        if node.span is not None or isinstance(node.op, Input):
            new[node] = node
        else:
            new[node] = Node(node.op, tuple(new[n] for n in node.inputs), node.type, owner.span)
    return [new[n] for n in flowing]
