"""Loops that need nothing of each other, such as two directions: they might run at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.ir.graph import Node
from compiler.plan.plan import Positions, Step
from compiler.plan.schedule import independent


def independent_loops(steps: Sequence[Step], below: Mapping[Node, int]) -> tuple[tuple[str, ...], ...]:
    """Groups of loops by their names. below: what each node needs, as `schedule.ancestors` says."""
    names = {step.node: work.name for step in steps for work in step.work if isinstance(work, Positions)}
    groups = independent([*names], below)
    return tuple(tuple(names[node] for node in group) for group in groups if len(group) > 1)
