"""Factors that are one number for a whole array are multiplied with each other first: a pass over the array less each.
Roundings differ."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.elementwise import Add, Div, Mul
from compiler.passes.cse import cse
from compiler.passes.fold import folded
from compiler.passes.rewrite import Rule, rewrite


def product_of_product(node: Node) -> Node | None:
    """(x * a) * b -> x * (a * b), where a and b are numbers and x is none"""
    outer = _scaled(node)
    inner = _scaled(outer[0]) if outer is not None else None
    if outer is None or inner is None:
        return None
    return apply(Mul(), inner[0], apply(Mul(), inner[1], outer[1], span=node.span), span=node.span)


def quotient_of_sum(node: Node) -> Node | None:
    """x / (y / a + c) * b -> x / (y + c * a) * (b * a), where a, b and c are numbers: Adam's step, say"""
    found = _scaled(node)
    match found:
        case (
            Node(op=Div(), inputs=(x, Node(op=Add(), inputs=(Node(op=Div(), inputs=(y, a)), c)))) as quotient,
            b,
        ) if _is_number(a) and _is_number(c):
            pass
        case _:
            return None
    below = apply(Add(), y, apply(Mul(), c, a, span=node.span), span=quotient.span)
    divided = apply(Div(), x, below, span=quotient.span)
    return apply(Mul(), divided, apply(Mul(), b, a, span=node.span), span=node.span)


RULES: tuple[Rule, ...] = (product_of_product, quotient_of_sum)


def factors(graph: Graph) -> Graph:
    return cse(rewrite(graph, (*RULES, folded)))


def _is_number(node: Node) -> bool:
    return node.type.rank == 0


def _scaled(node: Node) -> tuple[Node, Node] | None:
    """An array and the number that it is multiplied with."""
    if not isinstance(node.op, Mul):
        return None
    x, y = node.inputs
    if _is_number(x) == _is_number(y):
        return None
    return (y, x) if _is_number(x) else (x, y)
