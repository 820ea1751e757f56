"""Products that no state waits for leave the loop: one product after it for all positions. Roundings differ."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, sorted_nodes
from compiler.ops.product import MatMul
from compiler.passes.lift import Lift, edit_scans
from compiler.recurrence import Recurrence, depending, exchanged, part, placeholder, stacked_type


def sink(graph: Graph) -> Graph:
    """An output matmul(v, w) + ... of a body that no next state needs -> v stacked, matmul(V, w) + ... after it"""
    return edit_scans(graph, _sink)


def _sink(loop: Recurrence) -> list[Node] | None:
    varying = depending(loop.roots, loop.moving)
    core = set(sorted_nodes(s.next for s in loop.states))
    heavy: set[Node] = set()
    for node in sorted_nodes(loop.outputs):
        if node in core or node not in varying:
            continue
        if isinstance(node.op, MatMul) or any(n in heavy for n in node.inputs):
            heavy.add(node)
    sequences = dict(loop.sequences)
    # What is made of arrays that are there anyway is one call after the loop instead of one a step.
    there = {n for n in loop.outputs if n not in heavy} | set(sequences)
    heavy |= {
        n
        for n in loop.outputs
        if n not in core and n.op.elementwise and all(i in there or i not in varying for i in n.inputs)
    }
    stacks: dict[Node, Node] = {}

    def stack(node: Node) -> Node | None:
        if node in sequences:
            return sequences[node]
        if node in heavy:
            return None
        return stacks.setdefault(node, placeholder("stack", stacked_type(node, loop.length), node.span))

    lift = Lift(loop, varying, stack)
    states, kept = len(loop.states), list[Node]()
    after: dict[int, Node] = {}
    for k, node in enumerate(loop.outputs, states):
        whole = lift(node) if node in heavy else None
        if whole is None:
            kept.append(node)
        else:
            after[k] = whole
    if not after:
        return None
    # What only a failed try would have stacked is not.
    read = set(sorted_nodes(after.values()))
    stacks = {n: s for n, s in stacks.items() if s in read}
    count = len(loop.outputs)
    places = {k: kept.index(n) for k, n in enumerate(loop.outputs, states) if k not in after}
    loop.outputs = [*kept, *(n for n in stacks if n not in kept)]
    loop.drop_unread()
    scan = loop.close()
    exchange = {s: part(scan, states + loop.outputs.index(n)) for n, s in stacks.items()}
    found = dict(zip(after, exchanged(list(after.values()), exchange), strict=True))
    parts = [part(scan, k) for k in range(states)]
    return [
        *parts,
        *(found[k] if k in found else part(scan, states + places[k]) for k in range(states, states + count)),
    ]
