"""Biases and rising functions move behind the maximum over positions, and their gradients to where it was: one number
for each feature instead of one for each position of it. Roundings may make other ties, so it is not exact."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply, sorted_nodes
from compiler.ir.types import Dim
from compiler.ops.elementwise import Add, Constant, Keep, Mul, Relu, Sigmoid, Softplus, Tanh
from compiler.ops.product import MatMul
from compiler.ops.reduction import ArgMax, Max, PutAlong, Sum, TakeAlong
from compiler.ops.sequence import Mask
from compiler.ops.shape import Concat, Reshape, Slice
from compiler.passes.canonical import reshape_of_reshape, reshape_to_same
from compiler.passes.cse import cse
from compiler.passes.parts import slice_of_concat
from compiler.passes.rewrite import Rule, rewrite

RISING = (Relu, Tanh, Sigmoid, Softplus)


def largest_of_rising(node: Node) -> Node | None:
    """max(mask(f(x))) -> f(max(mask(x))), max(mask(x + b)) -> max(mask(x)) + b, where f never falls

    The mask is that of a ragged axis, which fills with minus infinity; it stays next to the maximum.
    """
    if not isinstance(node.op, Max):
        return None
    masked = node.inputs[0]
    f = _below_mask(masked)
    operands = _rising(f, node.op.axis)
    if operands is None:
        return None
    x, *rest = operands
    return apply(f.op, apply(node.op, _as_masked(masked, f, x), span=node.span), *rest, span=f.span)


def place_of_rising(node: Node) -> Node | None:
    """put_along(d, arg_max(mask(f(x)))) -> put_along(d, arg_max(mask(x))), and of x + b

    Where f makes equal what was not, f is flat, so that nothing is put there.
    """
    if not isinstance(node.op, PutAlong):
        return None
    d, places = node.inputs
    searched = _searched(places, node.op.axis)
    if searched is None:
        return None
    f = x = _below_mask(searched)
    while (operands := _rising(x, node.op.axis)) is not None:
        x = operands[0]
    return None if x is f else apply(node.op, d, _places_in(places, _as_masked(searched, f, x)), span=node.span)


def largest_of_parts(node: Node) -> Node | None:
    """max(mask(concat(x, y))) -> concat(max(mask(x)), max(mask(y))), where x and y are filters, side by side"""
    if not isinstance(node.op, Max):
        return None
    masked = node.inputs[0]
    whole = _below_mask(masked)
    last = whole.type.rank - 1
    if not isinstance(whole.op, Concat) or whole.op.axis != last or node.op.axis == last:
        return None
    if not all(isinstance(part.op, (MatMul, Add, *RISING)) for part in whole.inputs):
        return None
    parts = [apply(node.op, _as_masked(masked, whole, part), span=node.span) for part in whole.inputs]
    return apply(Concat(last - 1), *parts, span=node.span)


def part_of_put(node: Node) -> Node | None:
    """slice(put_along(d, arg_max(mask(concat(..., x, ...)))), of x) -> put_along(slice(d), arg_max(mask(x)))"""
    match node:
        case Node(op=Slice(axis=axis), inputs=(Node(op=PutAlong() as put, inputs=(d, places)),)) if axis != put.axis:
            searched = _searched(places, put.axis)
        case _:
            return None
    whole = _below_mask(searched) if searched is not None else node
    if searched is None or not isinstance(whole.op, Concat) or whole.op.axis != axis:
        return None
    part = slice_of_concat(apply(node.op, whole))
    if part is None or part not in whole.inputs:
        return None
    return apply(
        put, apply(node.op, d, span=node.span), _places_in(places, _as_masked(searched, whole, part)), span=node.span
    )


def keep_of_put(node: Node) -> Node | None:
    """keep(c, put_along(x, positions)) -> put_along(keep(take_along(c, positions), x), positions)"""
    match node:
        case Node(op=Keep(negated=False), inputs=(condition, Node(op=PutAlong()) as put)):
            return _put(node, put, condition, first=True)
        case _:
            return None


def product_of_put(node: Node) -> Node | None:
    """put_along(x, positions) * y -> put_along(x * take_along(y, positions), positions)"""
    match node:
        case Node(op=Mul(), inputs=(Node(op=PutAlong()) as put, y)):
            return _put(node, put, y, first=False)
        case Node(op=Mul(), inputs=(y, Node(op=PutAlong()) as put)):
            return _put(node, put, y, first=True)
        case _:
            return None


def sum_of_put(node: Node) -> Node | None:
    """sum(put_along(x, arg_max)) -> sum(x), over the axis of the maximum and perhaps others"""
    match node:
        case Node(op=Sum(axes=axes), inputs=(Node(op=PutAlong(axis=axis), inputs=(x, places)),)) if axis in axes:
            # Other positions may be -1, and what is put there is dropped.
            return apply(node.op, x, span=node.span) if _searched(places, axis) is not None else None
        case _:
            return None


def largest_taken(node: Node) -> Node | None:
    """take_along(x, arg_max(mask(x))) -> max(mask(x))"""
    match node:
        case Node(op=TakeAlong(axis=axis), inputs=(x, places)):
            searched = _searched(places, axis)
            if searched is None or x not in (searched, *(searched.inputs if isinstance(searched.op, Mask) else ())):
                return None
            return apply(Reshape(node.type.shape), apply(Max(axis), searched, span=node.span), span=node.span)
        case _:
            return None


RULES: tuple[Rule, ...] = (
    largest_of_rising,
    place_of_rising,
    largest_of_parts,
    part_of_put,
    keep_of_put,
    product_of_put,
    sum_of_put,
    largest_taken,
)


def maximum(graph: Graph) -> Graph:
    if not any(isinstance(n.op, (Max, ArgMax, PutAlong)) for n in graph.nodes()):
        return graph
    return cse(rewrite(graph, (*RULES, reshape_of_reshape, reshape_to_same)))


def _searched(places: Node, axis: int) -> Node | None:
    """What the places are those of the largest of, along the axis; None where they are others."""
    match places:
        case Node(op=Reshape(), inputs=(Node(op=ArgMax(axis=along), inputs=(x,)),)) if along == axis:
            return x if places.type.rank == x.type.rank and places.type.shape[axis] == 1 else None
        case _:
            return None


def _places_in(like: Node, x: Node) -> Node:
    """The places of the largest of x, in the form of those that they replace."""
    place = like.inputs[0]
    first = apply(place.op, x, span=place.span)
    assert isinstance(place.op, ArgMax)
    shape = (*first.type.shape[: place.op.axis], 1, *first.type.shape[place.op.axis :])
    return apply(Reshape(shape), first, span=like.span)


def _below_mask(x: Node) -> Node:
    """What a maximum is of, without the mask of its padding."""
    return x.inputs[0] if isinstance(x.op, Mask) and x.op.fill == "lowest" else x


def _as_masked(masked: Node, f: Node, x: Node) -> Node:
    """x with the mask that f has."""
    return x if masked is f else apply(masked.op, x, masked.inputs[1], span=masked.span)


def _rising(f: Node, axis: int) -> tuple[Node, ...] | None:
    """What f is of, first that in which it rises; the rest is the same all along the axis, and has no such axis."""
    if isinstance(f.op, RISING):
        return f.inputs
    if isinstance(f.op, Add) and f.type.dtype in ("f32", "f64"):
        for x, b in (f.inputs, f.inputs[::-1]):
            if x.type.shape == f.type.shape and b.type.rank < f.type.rank - axis:
                return x, b
    return None


def _put(node: Node, put: Node, other: Node, *, first: bool) -> Node | None:
    """The op of the node, of what is put and of the other operand at its positions, put there."""
    op = put.op
    assert isinstance(op, PutAlong)
    if other.type.shape != put.type.shape or isinstance(other.op, PutAlong):
        return None
    x, positions = put.inputs
    there = _Taken(op.axis, put.type.shape, positions)
    small = apply(Reshape(there.shape), x, span=x.span)
    picked = there.of(other)
    value = apply(node.op, *((picked, small) if first else (small, picked)), span=node.span)
    return apply(op, apply(Reshape(x.type.shape), value, span=node.span), positions, span=node.span)


class _Taken:
    """Values at positions of an axis. One position a column has no axis left: so is the maximum, which is there."""

    def __init__(self, axis: int, whole: tuple[Dim, ...], positions: Node) -> None:
        self.axis, self.whole, self.positions = axis, whole, positions
        shape = positions.type.shape
        self.shape = shape[:axis] + shape[axis + 1 :] if shape[axis] == 1 else shape

    def of(self, value: Node) -> Node:
        taken: dict[Node, Node] = {}
        for node in sorted_nodes([value], leaf=lambda n: not self._passes(n)):
            if node.type.rank <= self.whole_rank_without():
                taken[node] = node
            elif self._passes(node):
                taken[node] = apply(node.op, *(taken[n] for n in node.inputs), span=node.span)
            else:
                there = apply(TakeAlong(self.axis), node, self.positions, span=node.span)
                taken[node] = apply(Reshape(self.shape), there, span=node.span)
        return taken[value]

    def whole_rank_without(self) -> int:
        """Up to this rank an operand that broadcasts has no axis of the positions."""
        return len(self.whole) - 1 - self.axis

    def _passes(self, node: Node) -> bool:
        """Whether it is element by element what its operands are there."""
        if not node.op.elementwise or isinstance(node.op, Constant) or node.type.shape != self.whole:
            return False
        return all(n.type.shape == self.whole or n.type.rank <= self.whole_rank_without() for n in node.inputs)
