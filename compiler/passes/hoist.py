"""Products that wait for no state leave the loop: one product before it for all positions. Roundings differ."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.elementwise import Add
from compiler.ops.product import MatMul
from compiler.passes.block import Block, body_of
from compiler.passes.lift import Lift, edit_scans
from compiler.recurrence import Recurrence, depending, part


def hoist(graph: Graph) -> Graph:
    """In a body, f(matmul(x, w)) of sequences x and what is outside -> an element of f(matmul(X, w))

    Only what has a product to show for it: a whole sequence in memory costs more than an element-wise op in the step.
    """
    return edit_scans(graph, _hoist)


def _hoist(loop: Recurrence) -> list[Node] | None:
    body = body_of(loop)
    states = [s.inner for s in loop.states]
    while found := _sums(body, depending(body.roots, states)):
        body = body.exchanged(found)
    heavy = _heavy(body, depending(body.roots, states))
    lift = Lift(loop, body.own, dict(loop.sequences).get)
    moved: dict[Node, Node] = {}
    done: set[Node] = set()
    stack = body.roots[::-1]
    while stack:
        node = stack.pop()
        if node in done or node not in body.own:
            continue
        done.add(node)
        whole = lift(node) if node in heavy else None
        if whole is None:
            stack += reversed(node.inputs)
        else:
            moved[node] = loop.element(whole, "product")
    if not moved:
        return None
    loop.replace_roots(body.exchanged(moved).roots)
    loop.drop_unread()
    scan = loop.close()
    return [part(scan, i) for i in range(len(scan.type.parts))]


def _heavy(body: Block, waiting: set[Node]) -> set[Node]:
    """What waits for no state and has a product below it."""
    heavy: set[Node] = set()
    for node in body.nodes:
        if node not in waiting and (isinstance(node.op, MatMul) or any(n in heavy for n in node.inputs)):
            heavy.add(node)
    return heavy


def _sums(body: Block, waiting: set[Node]) -> dict[Node, Node]:
    """(state + x) + y -> (x + y) + state, where x and y wait for no state and one of them has a product"""
    heavy = _heavy(body, waiting)
    for node in body.nodes:
        if not isinstance(node.op, Add) or node not in waiting:
            continue
        for inner, y in (node.inputs, node.inputs[::-1]):
            if y in waiting or not isinstance(inner.op, Add) or len(body.users[inner]) > 1:
                continue
            state, x = inner.inputs if inner.inputs[0] in waiting else inner.inputs[::-1]
            if x not in waiting and (x in heavy or y in heavy):
                return {node: apply(Add(), apply(Add(), x, y, span=node.span), state, span=node.span)}
    return {}
