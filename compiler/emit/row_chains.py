"""Steps that go along the same rows become one kernel: a row stays in the nearest cache from the first to the last.

Such are element-wise steps, sums of each row, and padding that is cleared: a bias, a residual and a norm, or the
gradient of a softmax. What only they read is never written. The kernel runs where the first of them was, if what is
between neither reads nor writes what the later ones write, nor writes what they read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from math import prod

from compiler.emit.chain import Chain, Rows
from compiler.emit.chain_kernel import chain_kernel
from compiler.emit.costs import BYTES, CALL, PASS
from compiler.emit.formulas import passes
from compiler.emit.kernel import Kernel
from compiler.emit.pieces import Done, Joined
from compiler.emit.updates import Access, calls_of, meet, places_of, touched
from compiler.ir.graph import Node
from compiler.ir.types import DTYPES
from compiler.ops.reduction import Sum
from compiler.plan.plan import Call, Place, Plan

NARROW, FEW = 32, 4096
"""Of shorter rows, or of fewer numbers, a kernel of its own for each step is as good."""
BETWEEN = 8
"""So many other steps may lie between two of a chain."""
MOST_CALLS = 32
"""What LLVM compiles in a fraction of a second."""


def row_chains(plan: Plan, until: Mapping[Node, int] = {}) -> dict[Node, Joined | None]:
    """For each step that is a part of such a kernel, by its node, the kernel where it begins, else None.

    until: nodes of steps that are done otherwise, each with the number of the step where that is
    """
    chains = _Chains(plan, until)
    found: dict[Node, Joined | None] = {}
    for i, step in enumerate(plan.steps):
        if step.node in found:
            continue
        group = chains.group(i, found)
        while len(group) > 1:
            done = chains.done(group)
            if done is not None:
                nodes = tuple(plan.steps[k].node for k in group)
                found |= dict.fromkeys(nodes, None)
                found[step.node] = Joined(done, nodes)
                break
            group.pop()
    return found


class _Chains:
    def __init__(self, plan: Plan, until: Mapping[Node, int]) -> None:
        self.plan, self.until = plan, until
        steps_of = Counter(step.node for step in plan.steps)
        # A node that is copied to a state besides has two steps; of a table only some rows are there.
        self.calls = [
            () if step.node in until or steps_of[step.node] > 1 or _has_rows(step.node) else calls_of(step)
            for step in plan.steps
        ]
        self.touched = [touched(step.work) for step in plan.steps]
        self.given = {place.region for _, where in plan.outputs for place in places_of(where)}

    def group(self, first: int, taken: Container[Node]) -> list[int]:
        """The steps that go along the same rows as the first one."""
        plan, rows = self.plan, _rows(self.calls[first])
        if rows is None:
            return []
        chain, group = Chain(plan, rows), [first]
        if not chain.add(self.calls[first]):
            return []
        waiting = (k for k in range(first) if self.until.get(plan.steps[k].node, -1) > first)
        skipped = [access for k in waiting for access in self.touched[k]]
        owner = plan.owned.get(plan.steps[first].node)
        for k in range(first + 1, len(plan.steps)):
            step, passed = plan.steps[k], k - first + 1 - len(group)
            if passed > BETWEEN or sum(len(self.calls[g]) for g in group) >= MOST_CALLS:
                break
            own = bool(self.calls[k]) and step.node not in taken and plan.owned.get(step.node) == owner
            if own and not self.meets(skipped, k) and chain.add(self.calls[k]):
                group.append(k)
            else:
                skipped += self.touched[k]
        return group

    def meets(self, accesses: Sequence[Access], k: int) -> bool:
        return any(meet(self.plan, a, b) for a in accesses for b in self.touched[k])

    def done(self, group: Sequence[int]) -> Done | None:
        rows = _rows(self.calls[group[0]])
        assert rows is not None
        chain, inside = Chain(self.plan, rows), {*group}
        for k in group:
            chain.add(self.calls[k])
        later = {a.region for k in range(group[0] + 1, len(self.touched)) if k not in inside for a in self.touched[k]}
        made = chain_kernel(chain, self.given | later)
        if made is None or not made[1]:
            return None
        kernel, calls = made
        every = [call for k in group for call in self.calls[k]]
        return Done(kernel, calls[-1].out, calls, _cost(kernel, every, rows))


def _has_rows(node: Node) -> bool:
    return any(n.type.rows is not None for n in (node, *node.inputs))


def _rows(calls: Sequence[Call]) -> Rows | None:
    """Those of the first call's result, or of what it sums."""
    place = calls[0].out if calls else None
    if calls and isinstance(calls[0].op, Sum):
        place = calls[0].inputs[0]
    if not isinstance(place, Place) or len(place.shape) < 2:
        return None
    if place.shape[-1] < NARROW or prod(place.shape) < FEW:
        return None
    return Rows(prod(place.shape[:-1]), place.shape[-1])


def _cost(kernel: Kernel, calls: Sequence[Call], rows: Rows) -> float:
    places = [x for x in kernel.arguments if isinstance(x, Place)]
    moved = sum(prod(x.shape) * DTYPES[x.dtype] for x in places)
    return CALL + moved / BYTES + PASS * sum(map(passes, calls)) * rows.count * rows.width
