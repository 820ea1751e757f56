"""Logarithms and their gradients, finite where what they are of rounds to 0. Not exact.

Of a softmax they are taken without the softmax; of what is looked up the gradient is, where it was.
"""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply, rebuild, with_inputs
from compiler.ops.elementwise import Div, Exp, Log, Mul, Sub
from compiler.ops.normal import LogSoftmax, Softmax
from compiler.ops.reduction import PutAlong, Sum, TakeAlong
from compiler.ops.sequence import Mask
from compiler.ops.shape import Broadcast
from compiler.passes.cse import cse
from compiler.passes.rewrite import Rule, rewrite


def log_of_softmax(node: Node) -> Node | None:
    """log(softmax(x)) -> log_softmax(x)"""
    match node:
        case Node(op=Log(), inputs=(Node(op=Softmax(), inputs=(x,)),)):
            return apply(LogSoftmax(), x, span=node.span)
        case _:
            return None


def gradient_of_log_of_softmax(node: Node) -> Node | None:
    """p * (a / p - sum(a / p * p)) -> a - p * sum(a), where p = softmax(x); a / p may be masked

    The left side is what the gradient rules of log and softmax make together; it is 0 / 0 where p rounds to 0.
    """
    for p, difference in _either_order(node):
        match difference:
            case Node(op=Sub(), inputs=(quotient, share)) if isinstance(p.op, Softmax):
                a = _times(quotient, p)
                if a is not None and _is_share(share, quotient, p):
                    total = apply(Sum((p.type.rank - 1,), keep=True), a, span=node.span)
                    weighted = apply(Mul(), p, total, span=node.span)
                    return apply(Sub(), a, weighted, span=node.span)
            case _:
                pass
    return None


def quotient_at_places(node: Node) -> Node | None:
    """put_along(a, i) / x -> put_along(a / take_along(x, i), i), where x is no softmax

    The gradient of log(x) where it is looked up: the left side is 0 / 0 where another x is 0.
    """
    match node:
        case Node(op=Div(), inputs=(Node(op=PutAlong(axis=axis), inputs=(a, places)) as put, x)) if (
            not isinstance(x.op, Softmax) and x.type.shape == put.type.shape
        ):
            taken = apply(TakeAlong(axis), x, places, span=node.span)
            return apply(put.op, apply(Div(), a, taken, span=node.span), places, span=node.span)
        case _:
            return None


RULES: tuple[Rule, ...] = (log_of_softmax, gradient_of_log_of_softmax, quotient_at_places)


def stability(graph: Graph) -> Graph:
    return cse(_by_the_logarithm(rewrite(graph, RULES)))


def _either_order(node: Node) -> tuple[tuple[Node, Node], ...]:
    if not isinstance(node.op, Mul):
        return ()
    x, y = node.inputs
    return (x, y), (y, x)


def _times(quotient: Node, p: Node) -> Node | None:
    """a of a / p, in the shape of p, with the mask that the quotient has."""
    match quotient:
        case Node(op=Mask(fill="zero"), inputs=(inner, lengths)):
            a = _times(inner, p) if isinstance(inner.op, Div) else None
            return a if a is None or a.type.pad == "zero" else apply(quotient.op, a, lengths, span=quotient.span)
        case Node(op=Div(), inputs=(a, divisor)) if divisor is p:
            return a if a.type.shape == p.type.shape else apply(Broadcast(p.type.shape), a, span=quotient.span)
        case _:
            return None


def _is_share(share: Node, quotient: Node, p: Node) -> bool:
    """Whether this is the sum of quotient * p along the last axis."""
    match share:
        case Node(op=Sum(axes=axes, keep=True), inputs=(product,)) if axes == (p.type.rank - 1,):
            return any(x is quotient and y is p for x, y in _either_order(product))
        case _:
            return False


def _by_the_logarithm(graph: Graph) -> Graph:
    """softmax(x) -> exp(log_softmax(x)) where log_softmax(x) is there: one pass over the rows instead of four."""
    logged = {node.inputs[0] for node in graph.nodes() if isinstance(node.op, LogSoftmax)}

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        if isinstance(old.op, Softmax) and old.inputs[0] in logged:
            return apply(Exp(), apply(LogSoftmax(), inputs[0], span=old.span), span=old.span)
        return with_inputs(old, inputs)

    return rebuild(graph, change)
