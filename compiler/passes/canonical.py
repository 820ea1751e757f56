"""One way to write each thing, so that later passes need to know only that one. Exact, to the sign of a zero."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import Dim, broadcast
from compiler.ops.elementwise import Add, Cast, Constant, Div, Equal, Mul, Neg, Select, Sub
from compiler.ops.fused import Fused
from compiler.ops.lookup import ScatterRows
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Mask
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice, Transpose
from compiler.passes.parts import RULES as OF_PARTS
from compiler.passes.rewrite import Rule, rewrite


def is_constant(node: Node, value: float) -> bool:
    """0.0 and -0.0 are different constants."""
    return isinstance(node.op, Constant) and node.op.hex == value.hex()


def reshape_of_reshape(node: Node) -> Node | None:
    """reshape(reshape(x, s), t) -> reshape(x, t)"""
    match node:
        case Node(op=Reshape(), inputs=(Node(op=Reshape(), inputs=(x,)),)):
            return apply(node.op, x, span=node.span)
        case _:
            return None


def reshape_to_same(node: Node) -> Node | None:
    """reshape(x, shape of x) -> x"""
    match node:
        case Node(op=Reshape(shape=shape), inputs=(x,)) if shape == x.type.shape:
            return x
        case _:
            return None


def transpose_of_transpose(node: Node) -> Node | None:
    """transpose(transpose(x, p), q) -> transpose(x, p[q])"""
    match node:
        case Node(op=Transpose(axes=q), inputs=(Node(op=Transpose(axes=p), inputs=(x,)),)):
            return apply(Transpose(tuple(p[i] for i in q)), x, span=node.span)
        case _:
            return None


def identity_transpose(node: Node) -> Node | None:
    """transpose(x, [0, 1, ...]) -> x"""
    match node:
        case Node(op=Transpose(axes=axes), inputs=(x,)) if axes == tuple(range(x.type.rank)):
            return x
        case _:
            return None


def broadcast_to_same(node: Node) -> Node | None:
    """broadcast(x, shape of x) -> x"""
    match node:
        case Node(op=Broadcast(shape=shape), inputs=(x,)) if shape == x.type.shape:
            return x
        case _:
            return None


def broadcast_of_broadcast(node: Node) -> Node | None:
    """broadcast(broadcast(x, s), t) -> broadcast(x, t)"""
    match node:
        case Node(op=Broadcast(), inputs=(Node(op=Broadcast(), inputs=(x,)),)):
            return apply(node.op, x, span=node.span)
        case _:
            return None


def broadcast_of_leading_ones(node: Node) -> Node | None:
    """broadcast(reshape(x, [1, 1, *shape of x]), t) -> broadcast(x, t)"""
    match node:
        case Node(op=Broadcast(), inputs=(Node(op=Reshape(shape=shape), inputs=(x,)),)) if _adds_leading(shape, x):
            return apply(node.op, x, span=node.span)
        case _:
            return None


def operand_written_out(node: Node) -> Node | None:
    """f(broadcast(x), y) -> f(x, y), reshape(x, [1, *shape of x]) alike, where the other operands give the shape"""
    if not node.op.elementwise or isinstance(node.op, Fused):
        return None
    for i, operand in enumerate(node.inputs):
        match operand:
            case Node(op=Broadcast(), inputs=(x,)):
                pass
            case Node(op=Reshape(shape=shape), inputs=(x,)) if _adds_leading(shape, x):
                pass
            case _:
                continue
        inputs = (*node.inputs[:i], x, *node.inputs[i + 1 :])
        if broadcast(*(n.type.shape for n in inputs)) == node.type.shape:
            return apply(node.op, *inputs, span=node.span)
    return None


def slice_of_whole(node: Node) -> Node | None:
    """slice(x, 0, the whole axis) -> x"""
    match node:
        case Node(op=Slice(start=0), inputs=(x,)) if node.type.shape == x.type.shape:
            return x
        case _:
            return None


def concat_of_one(node: Node) -> Node | None:
    """concat(x) -> x"""
    match node:
        case Node(op=Concat(), inputs=(x,)):
            return x
        case _:
            return None


def sum_over_nothing(node: Node) -> Node | None:
    """sum(x, no axes) -> x"""
    match node:
        case Node(op=Sum(axes=()), inputs=(x,)):
            return x
        case _:
            return None


def mask_of_mask(node: Node) -> Node | None:
    """mask(mask(x, any fill), fill) -> mask(x, fill)"""
    match node:
        case Node(op=Mask(), inputs=(Node(op=Mask(), inputs=(x, _)), lengths)):
            return apply(node.op, x, lengths, span=node.span)
        case _:
            return None


def mask_of_masked(node: Node) -> Node | None:
    """mask(x, fill) -> x, where x's padding holds that already"""
    match node:
        case Node(op=Mask(fill=fill), inputs=(x, _)) if x.type.pad == fill:
            return x
        case _:
            return None


def scatter_of_masked(node: Node) -> Node | None:
    """scatter_rows(ids, mask(x)) -> scatter_rows(ids, x), since what stands with id 0 is left out"""
    match node:
        case Node(op=ScatterRows(), inputs=(ids, Node(op=Mask(), inputs=(x, _)))) if ids.type.ragged is not None:
            return apply(node.op, ids, x, span=node.span)
        case _:
            return None


def cast_to_same(node: Node) -> Node | None:
    """cast(x, dtype of x) -> x"""
    match node:
        case Node(op=Cast(dtype=dtype), inputs=(x,)) if dtype == x.type.dtype:
            return x
        case _:
            return None


def times_one(node: Node) -> Node | None:
    """x * 1 -> x; x / 1 -> x"""
    match node:
        case Node(op=Mul() | Div(), inputs=(x, one)) if is_constant(one, 1.0):
            return x
        case _:
            return None


def times_minus_one(node: Node) -> Node | None:
    """x * -1 -> -x; x / -1 -> -x"""
    match node:
        case Node(op=Mul() | Div(), inputs=(x, one)) if is_constant(one, -1.0):
            return apply(Neg(), x, span=node.span)
        case _:
            return None


def negated_twice(node: Node) -> Node | None:
    """-(-x) -> x"""
    match node:
        case Node(op=Neg(), inputs=(Node(op=Neg(), inputs=(x,)),)):
            return x
        case _:
            return None


def plus_negated(node: Node) -> Node | None:
    """x + -y -> x - y; x - -y -> x + y; -x + y -> y - x"""
    match node:
        case Node(op=Add(), inputs=(x, Node(op=Neg(), inputs=(y,)))):
            return apply(Sub(), x, y, span=node.span)
        case Node(op=Sub(), inputs=(x, Node(op=Neg(), inputs=(y,)))):
            return apply(Add(), x, y, span=node.span)
        case Node(op=Add(), inputs=(Node(op=Neg(), inputs=(x,)), y)):
            return apply(Sub(), y, x, span=node.span)
        case _:
            return None


def constant_second(node: Node) -> Node | None:
    """c + x -> x + c; c * x -> x * c; c == x -> x == c"""
    match node:
        case Node(op=Add() | Mul() | Equal(), inputs=(Node(op=Constant()) as c, x)) if not isinstance(x.op, Constant):
            return apply(node.op, x, c, span=node.span)
        case _:
            return None


def select_of_same(node: Node) -> Node | None:
    """select(condition, x, x) -> x"""
    match node:
        case Node(op=Select(), inputs=(_, x, y)) if x is y:
            return x
        case _:
            return None


RULES: tuple[Rule, ...] = (
    reshape_of_reshape,
    reshape_to_same,
    transpose_of_transpose,
    identity_transpose,
    broadcast_to_same,
    broadcast_of_broadcast,
    broadcast_of_leading_ones,
    operand_written_out,
    slice_of_whole,
    *OF_PARTS,
    concat_of_one,
    sum_over_nothing,
    mask_of_mask,
    mask_of_masked,
    scatter_of_masked,
    cast_to_same,
    constant_second,
    times_one,
    times_minus_one,
    negated_twice,
    plus_negated,
    select_of_same,
)


def canonical(graph: Graph) -> Graph:
    return rewrite(graph, RULES)


def _adds_leading(shape: tuple[Dim, ...], x: Node) -> bool:
    lead = len(shape) - x.type.rank
    return lead > 0 and shape[lead:] == x.type.shape and all(d == 1 for d in shape[:lead])
