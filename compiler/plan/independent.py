"""Loops that need nothing of each other, such as two directions: they might run at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.ir.graph import Node
from compiler.plan.plan import Positions, Step


def independent(steps: Sequence[Step], below: Mapping[Node, int]) -> tuple[tuple[str, ...], ...]:
    """Groups of loops by their names. below: what each node needs, as `schedule.ancestors` says."""
    loops = [(step.node, work.name) for step in steps for work in step.work if isinstance(work, Positions)]
    own = {node: below[node] ^ _without(node, below) for node, _ in loops}
    groups: list[list[tuple[Node, str]]] = []
    for node, name in loops:
        for group in groups:
            if all(not below[node] & own[other] and not below[other] & own[node] for other, _ in group):
                group.append((node, name))
                break
        else:
            groups.append([(node, name)])
    return tuple(tuple(name for _, name in group) for group in groups if len(group) > 1)


def _without(node: Node, below: Mapping[Node, int]) -> int:
    """What a node needs but for itself."""
    needed = 0
    for operand in node.inputs:
        needed |= below[operand]
    return needed
