"""Updates of weights in one pass: a weight and its means, which one step after the other moves, become one kernel.

It reads the gradient, each mean and the weight once, and writes each once. It runs where the last of them was, if
nothing between writes what it reads, or reads or writes what it writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from compiler.emit.costs import cost
from compiler.emit.formulas import has_formula
from compiler.emit.kernel import elementwise_kernel
from compiler.emit.pieces import Done, Joined
from compiler.emit.updates import Access, calls_of, interruption, touched
from compiler.ir.graph import Node
from compiler.plan.plan import Call, Place, Plan

Calls = tuple[Call, ...]


def dense_updates(plan: Plan) -> dict[Node, Joined | None]:
    """For each step that is a part of such a kernel, by its node, the kernel where it ends, else None.

    The steps write to weights and states of one shape, element by element.
    """
    found: dict[Node, Joined | None] = {}
    steps_of = Counter(step.node for step in plan.steps)
    all_touched = {i: touched(step.work) for i, step in enumerate(plan.steps)}
    groups: dict[int, tuple[int, ...]] = {}
    """By what it writes to, a step that does so last, and before it those that are one kernel with it."""
    for i, step in enumerate(plan.steps):
        region = _written(plan, calls_of(step))
        # A node that is written to two states is two steps.
        if region is None or steps_of[step.node] > 1:
            continue
        before = {k for r in _read(calls_of(step)) & groups.keys() for k in groups[r]}
        group = (*sorted(before), i)
        own = {k: _accesses(calls_of(plan.steps[k])) for k in group}
        alone = not before or interruption(plan, group, {**all_touched, **own}) is not None
        done = None if alone else _kernel([calls_of(plan.steps[k]) for k in group])
        if done is None:
            groups[region] = (i,)
        else:
            nodes = tuple(plan.steps[k].node for k in group)
            found |= dict.fromkeys(nodes, None)
            found[step.node] = Joined(done, nodes)
            groups |= dict.fromkeys((_out(calls_of(plan.steps[k])).region for k in group), group)
    return found


def _written(plan: Plan, calls: Calls) -> int | None:
    """The region of the weight or state that element-wise calls write to."""
    if not calls or not all(has_formula(call) for call in calls):
        return None
    region = _out(calls).region
    return region if plan.regions[region].store is not None else None


def _out(calls: Calls) -> Place:
    out = calls[-1].out
    assert isinstance(out, Place)
    return out


def _read(calls: Calls) -> set[int]:
    """The regions of what they do not make themselves before."""
    found: set[int] = set()
    made: set[str] = set()
    for call in calls:
        found |= {x.region for x in call.inputs if isinstance(x, Place) and x.name not in made}
        made |= {call.out.name} if isinstance(call.out, Place) else set()
    return found


def _accesses(calls: Calls) -> list[Access]:
    """What they read and write of memory: what lies between is in registers."""
    return [*(Access(region, False) for region in _read(calls)), Access(_out(calls).region, True)]


def _kernel(steps: Sequence[Calls]) -> Done | None:
    """All of them as one; None where they are not alike, or see what another one has written in another way."""
    results = list({_out(calls).region: _out(calls) for calls in steps}.values())
    names = {result.region: result.name for result in results}
    seen = [x for calls in steps for call in calls for x in call.inputs if isinstance(x, Place)]
    if any(x.name != names.get(x.region, x.name) for x in seen):
        return None
    every = [call for calls in steps for call in calls]
    kernel = elementwise_kernel(every, results=results)
    return None if kernel is None else Done(kernel, results[-1], tuple(calls[-1] for calls in steps), cost(every))
