"""Work that only one of several loops needs or goes on with is its thread's, where these loops are a thread's each.

So weights and values of a direction stay in the cache of the core that has them, from one step to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

from compiler.ir.graph import Input, Node, sorted_nodes
from compiler.ops.scan import Scan
from compiler.plan.schedule import ancestors, independent

FEW = 4
"""Loops of a group at most."""

Group = Sequence[Node]


def owners(order: Sequence[Node], threads: int) -> dict[Node, int]:
    """The thread of each such node. Groups of as many loops as there are threads count.

    order: all nodes, inputs before users
    """
    loops = [node for node in order if isinstance(node.op, Scan)]
    groups = [group for group in independent(loops, ancestors(order)) if len(group) == threads <= FEW]
    if threads < 2 or not groups:
        return {}
    bits = {loop: 1 << i for i, loop in enumerate(loop for group in groups for loop in group)}
    nodes = sorted_nodes(order)
    needs, needed = _below(nodes, bits), _above(nodes, bits)
    computed = {node for node in nodes if not isinstance(node.op, Input)}
    found: dict[Node, int] = {}
    stored: list[set[Node]] = [set() for _ in range(threads)]
    for group in groups:
        whole = sum(bits[loop] for loop in group)
        sides: list[list[Node]] = [[] for _ in group]
        for node in nodes:
            side = (needs[node] | needed[node]) & whole
            for i, loop in enumerate(group):
                if side == bits[loop] and node in computed:
                    sides[i].append(node)
        reads = [{n for node in side for n in node.inputs if isinstance(n.op, Input)} for side in sides]
        # The thread that has had the same weights before.
        chosen = max(
            permutations(range(threads)), key=lambda p: sum(len(reads[i] & stored[r]) for i, r in enumerate(p))
        )
        for side, read, r in zip(sides, reads, chosen, strict=True):
            found |= dict.fromkeys(side, r)
            stored[r] |= read
    return found


def _below(nodes: Sequence[Node], bits: Mapping[Node, int]) -> dict[Node, int]:
    """Of each node the loops that it needs, and itself."""
    found: dict[Node, int] = {}
    for node in nodes:
        found[node] = bits.get(node, 0)
        for operand in node.inputs:
            found[node] |= found[operand]
    return found


def _above(nodes: Sequence[Node], bits: Mapping[Node, int]) -> dict[Node, int]:
    """Of each node the loops that need it, and itself."""
    found = {node: bits.get(node, 0) for node in nodes}
    for node in reversed(nodes):
        for operand in node.inputs:
            found[operand] |= found[node]
    return found
