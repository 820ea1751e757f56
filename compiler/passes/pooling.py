"""Biases and rising functions move behind the maximum of windows, and their gradients to where it was: with windows of
2 x 2 a quarter of the pixels. As `compiler.passes.maximum` over positions, and for the same reason not exact."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply, sorted_nodes
from compiler.ops.elementwise import Add, Constant, Keep, Mul
from compiler.ops.picture import MaxPool2d, PutMax2d, TakeMax2d
from compiler.ops.reduction import Sum
from compiler.passes.cse import cse
from compiler.passes.maximum import RISING
from compiler.passes.rewrite import Rule, rewrite


def largest_of_rising(node: Node) -> Node | None:
    """max_pool(f(x)) -> f(max_pool(x)), max_pool(x + b) -> max_pool(x) + b, where f never falls, b has channels only"""
    if not isinstance(node.op, MaxPool2d):
        return None
    f = node.inputs[0]
    operands = _rising(f)
    if operands is None:
        return None
    x, *rest = operands
    return apply(f.op, apply(node.op, x, span=node.span), *rest, span=f.span)


def place_of_rising(node: Node) -> Node | None:
    """put_max(f(x), f(max_pool(x)), y) -> put_max(x, max_pool(x), y), and take_max

    Where f makes equal what was not, f is flat, so that nothing is put there.
    """
    if not isinstance(node.op, (PutMax2d, TakeMax2d)):
        return None
    f, largest, y = node.inputs
    x, most = f, largest
    while (found := _rising(x)) is not None and not _is_largest(most, x):
        of = _rising(most)
        if of is None or type(most.op) is not type(x.op) or of[1:] != found[1:]:
            return None
        x, most = found[0], of[0]
    return apply(node.op, x, most, y, span=node.span) if x is not f and _is_largest(most, x) else None


def keep_of_put(node: Node) -> Node | None:
    """keep(c(x), put_max(x, largest, y)) -> put_max(x, largest, keep(c(largest), y))"""
    match node:
        case Node(op=Keep(negated=False), inputs=(condition, Node(op=PutMax2d()) as put)):
            return _put(node, put, condition, first=True)
        case _:
            return None


def product_of_put(node: Node) -> Node | None:
    """put_max(x, largest, y) * f(x) -> put_max(x, largest, y * f(largest))"""
    match node:
        case Node(op=Mul(), inputs=(Node(op=PutMax2d()) as put, y)):
            return _put(node, put, y, first=False)
        case Node(op=Mul(), inputs=(y, Node(op=PutMax2d()) as put)):
            return _put(node, put, y, first=True)
        case _:
            return None


def sum_of_put(node: Node) -> Node | None:
    """sum(put_max(x, largest, y)) -> sum(y), over height, width and perhaps other axes"""
    match node:
        case Node(op=Sum(axes=axes), inputs=(Node(op=PutMax2d(), inputs=(x, largest, y)),)) if {1, 2} <= {*axes}:
            # Every window has a largest that it puts its number at.
            return apply(node.op, y, span=node.span) if _is_largest(largest, x) else None
        case _:
            return None


RULES: tuple[Rule, ...] = (largest_of_rising, place_of_rising, keep_of_put, product_of_put, sum_of_put)


def pooling(graph: Graph) -> Graph:
    if not any(isinstance(n.op, MaxPool2d) for n in graph.nodes()):
        return graph
    return cse(rewrite(graph, RULES))


def _is_largest(most: Node, x: Node) -> bool:
    return isinstance(most.op, MaxPool2d) and most.inputs[0] is x


def _rising(f: Node) -> tuple[Node, ...] | None:
    """What f is of, first that in which it rises; the rest is the same for all pixels."""
    if isinstance(f.op, RISING):
        return f.inputs
    if isinstance(f.op, Add):
        for x, b in (f.inputs, f.inputs[::-1]):
            if x.type.shape == f.type.shape and b.type.rank <= 1:
                return x, b
    return None


def _put(node: Node, put: Node, other: Node, *, first: bool) -> Node | None:
    """The op of the node, of what is put and of the other operand at the largest, put there."""
    x, largest, y = put.inputs
    if not _is_largest(largest, x):
        return None
    there = _at_largest(other, x, largest)
    if there is None:
        return None
    value = apply(node.op, *((there, y) if first else (y, there)), span=node.span)
    return apply(put.op, x, largest, value, span=put.span)


def _at_largest(value: Node, x: Node, largest: Node) -> Node | None:
    """A value that is element by element made of x: the same of the largest. None where it is made of more."""
    taken: dict[Node, Node] = {x: largest}
    for node in sorted_nodes([value], leaf=lambda n: n is x or n.type.rank <= 1):
        if node in taken or node.type.rank <= 1:
            taken.setdefault(node, node)
        elif node.op.elementwise and not isinstance(node.op, Constant) and node.type.shape == x.type.shape:
            taken[node] = apply(node.op, *(taken[n] for n in node.inputs), span=node.span)
        else:
            return None
    return taken[value]
