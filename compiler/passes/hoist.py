"""Products that wait for no state leave the loop: one product before it for all positions. Roundings differ."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, sorted_nodes
from compiler.ops.product import MatMul
from compiler.passes.lift import Lift, edit_scans
from compiler.recurrence import Recurrence, depending, exchanged, part


def hoist(graph: Graph) -> Graph:
    """In a body, matmul(f(x), w) of sequences x and what is outside -> an element of matmul(f(X), w)

    Only what has a product to show for it: a whole sequence in memory costs more than an element-wise op in the step.
    """
    return edit_scans(graph, _hoist)


def _hoist(loop: Recurrence) -> list[Node] | None:
    varying = depending(loop.roots, loop.moving)
    waiting = depending(loop.roots, (s.inner for s in loop.states))
    sequences = dict(loop.sequences)
    lift = Lift(loop, varying, sequences.get)
    products = [n for n in sorted_nodes(loop.roots) if isinstance(n.op, MatMul) and n in varying and n not in waiting]
    moved: dict[Node, Node] = {}
    for node in products:
        whole = lift(node)
        if whole is not None:
            moved[node] = loop.element(whole, "product")
    if not moved:
        return None
    loop.replace_roots(exchanged(loop.roots, moved))
    drop_unread(loop)
    scan = loop.close()
    return [part(scan, i) for i in range(len(scan.type.parts))]


def drop_unread(loop: Recurrence) -> None:
    """Sequences whose elements no step reads any more are none of the loop's."""
    read = set(sorted_nodes(loop.roots))
    kept = [(inner, outer) for inner, outer in loop.sequences if inner in read]
    loop.sequences = kept or loop.sequences[:1]
