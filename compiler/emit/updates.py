"""Updates of the rows of tables in one pass: what a step does with the rows that a batch names becomes one loop.

It reads each row of the gradient and of the tables once, and writes each row of a table once; what lies between stays
in registers. The loop runs where the last of its calls was, if nothing between reads or writes what the others do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from compiler.emit.formulas import has_formula
from compiler.ir.graph import Node, sorted_nodes, users_of
from compiler.ops.lookup import AddRows, PickRows, SetRows
from compiler.plan.layout import is_contiguous
from compiler.plan.plan import Call, Loop, Place, Plan, Positions, RowsPlace, Step, Where, Work

Domain = tuple[str, str, int, str]
"""Which rows: the names of their ids and of their count, how wide they are, and their dtype."""
Group = tuple[int, ...]
"""Numbers of steps that are one loop."""


@dataclass(frozen=True)
class Access:
    region: int
    written: bool


@dataclass(frozen=True)
class RowLoop:
    """calls: none where the loop is another step's; nodes: of the steps that it does"""

    rows: RowsPlace
    calls: tuple[Call, ...]
    nodes: tuple[Node, ...] = ()


def row_updates(plan: Plan) -> dict[Node, RowLoop]:
    """For each step that is a part of such a loop, by its node, the calls of the loop: all where it ends, else none.

    A step with element-wise work on rows alone is a loop of its own where it is a part of no other.
    """
    found: dict[Node, RowLoop] = {}
    steps = _Steps(plan)
    for i, rows in steps.rows.items():
        node, calls = plan.steps[i].node, calls_of(plan.steps[i])
        if node.type.rows is not None and not isinstance(calls[0].op, PickRows):
            found[node] = RowLoop(rows, calls, (node,))
    for group in steps.groups():
        rows = steps.rows[group[0]]
        nodes = tuple(plan.steps[i].node for i in group)
        found |= {node: RowLoop(rows, ()) for node in nodes}
        found[nodes[-1]] = RowLoop(rows, tuple(c for i in group for c in calls_of(plan.steps[i])), nodes)
    return found


class _Steps:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows = _rows(plan.steps)
        self.domains = {i: _domain(rows) for i, rows in self.rows.items()}
        users = users_of(sorted_nodes(step.node for step in plan.steps))
        at = {step.node: i for i, step in enumerate(plan.steps)}
        kept = {p.region for _, where in plan.outputs for p in places_of(where)}
        self.users: dict[int, list[int]] = {}
        """Of each step, the steps that read its result; -1 stands for whoever reads it otherwise."""
        for i in self.domains:
            readers = [at.get(n, -1) for n in users.get(plan.steps[i].node, [])]
            given = any(p.region in kept for c in calls_of(plan.steps[i]) for p in places_of(c.out))
            self.users[i] = [*readers, *([-1] if given else [])]

    def groups(self) -> list[Group]:
        by_domain: dict[Domain, list[int]] = {}
        for i, domain in self.domains.items():
            by_domain.setdefault(domain, []).append(i)
        waiting = [self.closed(group) for group in by_domain.values()]
        while True:
            groups = [g for g in waiting if len(g) > 1]
            cut = self.conflict(groups)
            if cut is None:
                return groups
            group, at = cut
            parts = [tuple(i for i in group if i < at), tuple(i for i in group if i > at)]
            waiting = [*(g for g in groups if g is not group), *(self.closed(part) for part in parts)]

    def closed(self, group: Sequence[int]) -> Group:
        """Those of the group whose result is a table, or read in the group alone."""
        inside = set(group)
        while True:
            leaves = {
                i for i in inside if not self.writes_table(i) and not (self.users[i] and {*self.users[i]} <= inside)
            }
            if not leaves:
                return tuple(sorted(inside))
            inside -= leaves

    def writes_table(self, i: int) -> bool:
        return isinstance(self.plan.steps[i].node.op, (SetRows, AddRows))

    def conflict(self, groups: Iterable[Group]) -> tuple[Group, int] | None:
        """A group, and a step between its first and its last that does not let those before it wait."""
        read = {i: touched(step.work) for i, step in enumerate(self.plan.steps)}
        for group in groups:
            read |= self.accesses(group)
        for group in groups:
            at = interruption(self.plan, group, read)
            if at is not None:
                return group, at
        return None

    def accesses(self, group: Group) -> dict[int, list[Access]]:
        """Of each of its steps, what the loop reads or writes of memory there."""
        made: set[str] = set()
        found: dict[int, list[Access]] = {}
        for i in group:
            own = found.setdefault(i, [])
            for call in calls_of(self.plan.steps[i]):
                given = [p for x in call.inputs for p in places_of(x) if p.name not in made]
                own += [Access(p.region, False) for p in given]
                if isinstance(call.op, (SetRows, AddRows)):
                    own += [Access(p.region, True) for p in places_of(call.out)]
                else:
                    made |= {_values(call).name}
        return found


def interruption(plan: Plan, group: Sequence[int], read: Mapping[int, Sequence[Access]]) -> int | None:
    """A step between the first and the last of a group that does not let those before it wait.

    read: of each step, what it reads or writes of memory
    """
    before: list[Access] = []
    for first, second in pairwise(group):
        before += read[first]
        for k in range(first + 1, second):
            if any(meet(plan, a, b) for a in before for b in read[k]):
                return k
    return None


def meet(plan: Plan, a: Access, b: Access) -> bool:
    """Whether one writes what the other reads or writes."""
    x, y = plan.regions[a.region], plan.regions[b.region]
    if not (a.written or b.written) or x.store != y.store:
        return False
    return x.store is not None or (x.offset < y.offset + y.bytes and y.offset < x.offset + x.bytes)


def _rows(steps: Sequence[Step]) -> dict[int, RowsPlace]:
    """Of each step that can be a part of such a loop, the rows that it is about."""
    known: dict[str, RowsPlace] = {}
    found: dict[int, RowsPlace] = {}
    for i, step in enumerate(steps):
        calls = calls_of(step)
        for call in calls:
            if isinstance(call.out, RowsPlace):
                known[call.out.values.name] = call.out
        if not calls:
            continue
        match calls[0]:
            case Call(op=PickRows(), out=RowsPlace() as out, inputs=(Place() as table, RowsPlace() as given)):
                rows = out if _domain(out) == _domain(given) and _whole(table) else None
            case Call(op=SetRows() | AddRows(), out=Place() as out, inputs=(Place() as table, RowsPlace() as given)):
                rows = given if out.region == table.region and _whole(out) and _whole(table) else None
            case _:
                rows = _of_elements(calls, known) if step.node.type.rows is not None else None
        if rows is not None and rows.values.dtype in ("f32", "f64"):
            found[i] = rows
    return found


def _of_elements(calls: Sequence[Call], known: dict[str, RowsPlace]) -> RowsPlace | None:
    """Of element-wise calls on values of rows and on single numbers."""
    found: list[RowsPlace] = []
    names: list[str] = []
    for call in calls:
        if not has_formula(call):
            return None
        assert isinstance(call.out, Place)
        for x in call.inputs:
            if isinstance(x, Place) and prod(x.shape) != 1 and x.name not in names:
                if x.name not in known:
                    return None
                found.append(known[x.name])
        names.append(call.out.name)
    if len({_domain(rows) for rows in found}) != 1:
        return None
    known |= dict.fromkeys(names, found[0])
    return found[0]


def _domain(rows: RowsPlace) -> Domain:
    return rows.ids.name, rows.count.name, prod(rows.values.shape[1:]), rows.values.dtype


def _whole(place: Place) -> bool:
    return is_contiguous(place.shape, place.strides)


def calls_of(step: Step) -> tuple[Call, ...]:
    """Its calls, none where it has other work; of a loop over blocks those of its body, on whole arrays."""
    calls: list[Call] = []
    for work in step.work:
        if isinstance(work, Positions):
            return ()
        if isinstance(work, Call):
            calls.append(work)
            continue
        parts = dict(work.parts)
        for call in work.body:
            out, inputs = (tuple(_in(x, parts) for x in given) for given in ((call.out,), call.inputs))
            calls.append(replace(call, out=out[0], inputs=inputs))
    return tuple(calls)


def _in(x: Where, parts: Mapping[str, Place]) -> Where:
    return parts.get(x.name, x) if isinstance(x, Place) else x


def _values(call: Call) -> Place:
    out = call.out.values if isinstance(call.out, RowsPlace) else call.out
    assert isinstance(out, Place)
    return out


def places_of(where: object) -> Iterator[Place]:
    if isinstance(where, RowsPlace):
        yield from (where.ids, where.values, where.count)
    elif isinstance(where, Place):
        yield where


def touched(work: Iterable[Work]) -> list[Access]:
    """What steps read and write; all of a loop counts as written."""
    found: list[Access] = []
    for each in work:
        if isinstance(each, Call):
            found += [Access(p.region, True) for x in (each.out, *each.scratch) for p in places_of(x)]
            found += [Access(p.region, False) for x in each.inputs for p in places_of(x)]
            continue
        calls = each.body if isinstance(each, Loop) else each.calls
        parts = (place for _, place in (*each.parts, *each.temporaries)) if isinstance(each, Loop) else _moved(each)
        named = {name for name, _ in (*each.parts, *each.temporaries)} if isinstance(each, Loop) else set[str]()
        inner = (p for c in calls for x in (c.out, *c.inputs, *c.scratch) for p in places_of(x))
        found += [Access(p.region, True) for p in (*parts, *inner) if p.name not in named]
    return found


def _moved(loop: Positions) -> Iterator[Place]:
    for moving in loop.moving:
        yield from (moving.whole, moving.part)
    for held in loop.held:
        yield from held
    if loop.ended is not None:
        yield loop.ended
    for step in loop.steps:
        for work in step.work:
            if isinstance(work, Loop):
                yield from (place for _, place in (*work.parts, *work.temporaries))
