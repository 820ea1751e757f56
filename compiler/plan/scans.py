"""Loops over positions: which memory their states, elements and results have, and the work of one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compiler.ir.graph import Graph, Input, Node, Output, sorted_nodes
from compiler.ir.types import bound_shape, value_of
from compiler.ops.scan import Part, Scan
from compiler.ops.shape import Broadcast, Reshape, Slice
from compiler.plan.layout import contiguous
from compiler.plan.names import plain
from compiler.plan.over import over_sequences
from compiler.plan.plan import Call, Moving, Place, Positions, RowsPlace, Where
from compiler.plan.schedule import Schedule, ordered

if TYPE_CHECKING:
    from compiler.plan.make import Planner


def scan_work(planner: Planner, node: Node) -> tuple[Call | Positions, ...]:
    """The loop of a scan, and what comes before it; the planner then knows where its parts are."""
    return _Scan(planner, node).work()


@dataclass
class _Scan:
    """One scan as it is planned.

    histories: of each state all its values [T + 1, B, *R] where somebody asks for them, else the old and the new one
    moving: what is another part of an array in each step
    """

    planner: Planner
    node: Node
    histories: list[Place] = field(default_factory=list[Place])
    moving: list[Moving] = field(default_factory=list[Moving])

    def __post_init__(self) -> None:
        assert isinstance(self.node.op, Scan)
        self.op = self.node.op
        self.count = value_of(self.op.length, self.planner.sizes)
        self.parts = [n for n in self.planner.users.get(self.node, ()) if isinstance(n.op, Part)]
        self.asked = {n.op.index for n in self.parts if isinstance(n.op, Part)}
        graph = self.op.body.graph
        self.inner = graph.inputs[: self.op.states]
        roots = [o.node for o in graph.outputs]
        self.next = roots[: self.op.states]
        self.values = {k: n for k, n in enumerate(roots[self.op.states :], self.op.states) if k in self.asked}

    def work(self) -> tuple[Call | Positions, ...]:
        planner, op = self.planner, self.op
        inputs = [planner.where[n] for n in self.node.inputs]
        for where in inputs:
            planner.touch(where)
        before = [self._state(k, inputs[k]) for k in range(op.states)]
        where = self._fed(inputs)
        nodes = sorted_nodes([*self.next, *self.values.values()])
        over, following = over_sequences(nodes, self._stacked(), self._free(inputs))
        nodes = ordered(nodes, following)
        forced, stacks = self._results(over)
        body = Graph(op.body.graph.inputs, tuple(Output(f"{i}", n) for i, n in enumerate(forced)))
        names = {n: str(i) for i, n in enumerate(forced)}
        inner = planner.within(body, Schedule(tuple(nodes), names), where)
        inner.stored |= {names[n]: place for n, place in forced.items()}
        steps = inner.steps()
        after = self._copied(forced, stacks, inner.where)
        results = [
            *(self._final(k) for k in range(op.states)),
            *(None for _ in self.op.body.graph.outputs[op.states :]),
        ]
        for k, value in self.values.items():
            results[k] = self._stack(value, stacks)
        planner.results[self.node] = tuple(results)
        for read in self.parts:
            assert isinstance(read.op, Part)
            if (place := results[read.op.index]) is not None:
                region = planner.regions[place.region]
                region.read_until = max(region.read_until, planner.last_read(read))
        held: tuple[tuple[Place, Place, Place], ...] = ()
        ended = inputs[-1] if op.ragged else None
        if ended is not None:
            assert isinstance(ended, Place)
            past = self._element("ended", ended, 0)
            held = tuple((self._as_wide(past, new), old, new) for old, new in zip(self.old, self.new, strict=True))
        name, some = (planner.names.free(f"{word}_{planner.now}") for word in ("scan", "some_ended"))
        loop = Positions(name, self.count, op.reverse, tuple(self.moving), steps, tuple(after), held, ended, some)
        return (*before, loop)

    @property
    def old(self) -> list[Place]:
        return [m.part for m in self.moving[0 : 2 * self.op.states : 2]]

    @property
    def new(self) -> list[Place]:
        return [m.part for m in self.moving[1 : 2 * self.op.states : 2]]

    def _state(self, k: int, initial: Where) -> Call:
        """Makes room for a state, and writes its first value there."""
        node = self.inner[k]
        assert isinstance(node.op, Input)
        shape = bound_shape(node.type, self.planner.sizes)
        asked = any(value in (node, self.next[k]) for value in self.values.values())
        slots = self.count + 1 if asked else 2
        name = plain(node.op.name)
        history = self.planner.new(self.planner.names.free(f"{name}_steps"), node.type.dtype, (slots, *shape))
        self.histories.append(history)
        self._element(name, history, int(self.op.reverse))
        self._element(f"{name}_next", history, int(not self.op.reverse))
        first = self._slot(history, self.count % slots if self.op.reverse else 0)
        return Call(Broadcast(shape), first, (initial,))

    def _final(self, k: int) -> Place | None:
        history = self.histories[k]
        return self._slot(history, 0 if self.op.reverse else self.count % history.shape[0]) if k in self.asked else None

    def _slot(self, history: Place, index: int) -> Place:
        return self._seen(self._part(history, index, 1), Reshape(history.shape[1:]), history.shape[1:])

    def _part(self, whole: Place, start: int, size: int) -> Place:
        return self._seen(whole, Slice(0, start, size), (size, *whole.shape[1:]))

    def _seen(self, of: Place, by: Slice | Reshape, shape: tuple[int, ...]) -> Place:
        name = self.planner.names.free(f"{of.name}_{'part' if isinstance(by, Slice) else 'at'}")
        return Place(name, of.region, of.dtype, shape, contiguous(shape), of, by)

    def _element(self, name: str, whole: Place, offset: int) -> Place:
        """One position of an array: what the body reads or writes."""
        place = Place(self.planner.names.free(name), whole.region, whole.dtype, whole.shape[1:], whole.strides[1:])
        self.moving.append(Moving(place, whole, offset))
        return place

    def _as_wide(self, past: Place, state: Place) -> Place:
        shape = (state.shape[0], *(1 for _ in state.shape[1:]))
        return past if past.shape == shape else self._seen(past, Reshape(shape), shape)

    def _fed(self, inputs: list[Where]) -> dict[Node, Where]:
        """Where the inputs of the body are."""
        where: dict[Node, Where] = dict(zip(self.inner, self.old, strict=True))
        states, moving = self.op.states, self.op.states + self.op.sequences
        for i, (node, outer) in enumerate(zip(self.op.body.graph.inputs, inputs, strict=False)):
            assert isinstance(node.op, Input)
            assert not isinstance(outer, RowsPlace)
            if states <= i < moving:
                assert isinstance(outer, Place)
                where[node] = self._element(plain(node.op.name), outer, 0)
            elif i >= moving:
                where[node] = outer
        return where

    def _stacked(self) -> dict[Node, tuple[str, tuple[int, ...]]]:
        """The values that are no states: of each its dtype and the shape of all of it."""
        values = (v for v in self.values.values() if v not in self.inner and v not in self.next)
        return {v: (v.type.dtype, (self.count, *bound_shape(v.type, self.planner.sizes))) for v in values}

    def _free(self, inputs: list[Where]) -> dict[Node, Place]:
        """The sequences that only this loop reads, and no more once it is done; by their elements."""
        found: dict[Node, Place] = {}
        for i in range(self.op.states, self.op.states + self.op.sequences):
            element, whole = self.op.body.graph.inputs[i], inputs[i]
            assert isinstance(whole, Place)
            if element in self.next or element in self.values.values():
                continue  # the copy of it is made when all else is done
            regions = [p.region for p in inputs if isinstance(p, Place)]
            if regions.count(whole.region) == 1 and self.planner.ends(whole):
                found[element] = whole
        return found

    def _results(self, over: dict[Node, Place]) -> tuple[dict[Node, Place], dict[Node, Place]]:
        """Where the body writes what it gives, by node; and the stacks of values that are no states."""
        forced: dict[Node, Place] = {}
        stacks: dict[Node, Place] = {}
        for node, place in zip(self.next, self.new, strict=True):
            if not isinstance(node.op, Input):
                forced.setdefault(node, place)
        for value, (_, shape) in self._stacked().items():
            name = self.planner.names.free(f"steps_{self.planner.now}")
            stacks[value] = over.get(value) or self.planner.new(name, value.type.dtype, shape)
            place = self._element(f"value_{self.planner.now}", stacks[value], 0)
            if not isinstance(value.op, Input):
                forced[value] = place
        return forced, stacks

    def _copied(self, forced: dict[Node, Place], stacks: dict[Node, Place], where: dict[Node, Where]) -> list[Call]:
        """What the body gives out as it was given, or twice."""
        calls = [
            Call(Broadcast(place.shape), place, (where[node],))
            for node, place in zip(self.next, self.new, strict=True)
            if forced.get(node) != place
        ]
        for value, stack in stacks.items():
            if isinstance(value.op, Input):
                part = next(m.part for m in self.moving if m.whole is stack)
                calls.append(Call(Broadcast(part.shape), part, (where[value],)))
        return calls

    def _stack(self, value: Node, stacks: dict[Node, Place]) -> Place:
        if value in stacks:
            return stacks[value]
        if value in self.inner:
            return self._part(self.histories[self.inner.index(value)], int(self.op.reverse), self.count)
        return self._part(self.histories[self.next.index(value)], int(not self.op.reverse), self.count)
