"""From a graph and sizes to a plan: each value gets a place, each node its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from compiler.ir.graph import Graph, Input, Node, users_of
from compiler.ir.types import DTYPES, Dtype, Type, bound_shape, row_room, value_of
from compiler.ops.elementwise import Add, Constant, Div, Equal, Greater, Maximum, Minimum, Mul, Sub
from compiler.ops.fused import Fused
from compiler.ops.gathered import ScatterOuter
from compiler.ops.lookup import PickRows, ScatterRows
from compiler.ops.reduction import Sum
from compiler.ops.scan import Part, Scan
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice
from compiler.plan.arena import arranged
from compiler.plan.calls import attributes
from compiler.plan.columns import columns
from compiler.plan.groups import group
from compiler.plan.independent import independent_loops
from compiler.plan.layout import VIEWS, contiguous, is_contiguous, overwritable, takes, viewed
from compiler.plan.lifetimes import last_reads
from compiler.plan.names import Names
from compiler.plan.owners import owners
from compiler.plan.plan import Call, Literal, Place, Plan, Region, RowsPlace, Step, Where, Work
from compiler.plan.scans import scan_work
from compiler.plan.schedule import Schedule, ancestors, schedule

TAKE_LITERALS = (Add, Sub, Mul, Div, Maximum, Minimum, Greater, Equal, Fused)


def make_plan(graph: Graph, sizes: Mapping[str, int], threads: int = 1) -> Plan:
    """sizes must have every symbol of the graph; threads: what several can do at once has memory of its own"""
    order = schedule(graph, threads)
    return Planner(graph, sizes, order, owners(order.nodes, threads)).plan()


@dataclass
class _Region:
    bytes: int
    born: int
    dies: int
    store: str | None = None
    read_until: int = 0
    """When the last value in it is read for the last time, as far as places are given."""
    inside: int | None = None
    """For work space of a loop the region that holds it; born and dies count the loop's own steps."""


@dataclass
class Planner:
    graph: Graph
    sizes: Mapping[str, int]
    schedule: Schedule
    owned: dict[Node, int] = field(default_factory=dict[Node, int])
    names: Names = field(default_factory=Names)
    regions: list[_Region] = field(default_factory=list[_Region])
    where: dict[Node, Where] = field(default_factory=dict[Node, Where])
    stored: dict[str, Place] = field(default_factory=dict[str, Place])
    results: dict[Node, tuple[Place | None, ...]] = field(default_factory=dict[Node, "tuple[Place | None, ...]"])
    """Of a loop where each of its parts is."""
    inside: int | None = None
    number: str = ""
    """For the body of a loop the region that holds its work space, and what its names are numbered with."""
    now: int = -1

    def __post_init__(self) -> None:
        nodes = self.schedule.nodes
        self.users = users_of(nodes)
        self.end = len(nodes)
        self.at_end = {o.node for o in self.graph.outputs}
        # A weight that a whole is written over may be read until then.
        fixed = self.at_end | {n for n in self.schedule.in_place if self.inside is None or not isinstance(n.op, Concat)}
        self.columns = columns(nodes, self.users, fixed, self.sizes)
        self.wholes: dict[Node, Place] = {}
        self.last_reads = last_reads(nodes, self.users, self.at_end, self.columns)

    def plan(self) -> Plan:
        nodes = self.schedule.nodes
        forward = 0
        below = ancestors(nodes)
        for output in self.graph.outputs:
            if output.update is None:
                forward |= below[output.node]

        # Weights and states first: they are there whether this graph reads them or only writes them.
        needed = {*nodes, *(self.graph.input(o.update) for o in self.graph.outputs if o.update is not None)}
        inputs = [n for n in self.graph.inputs if n in needed]
        for node in inputs:
            self._input(node)
        steps = [*self.steps(forward)]
        self.now = self.end
        steps += self._copies()
        outputs: list[tuple[str, Place | RowsPlace]] = []
        self.now = self.end + 1
        for output in self.graph.outputs:
            if output.update is None:
                where = self.where[output.node]
                assert not isinstance(where, Literal)
                self.touch(where)
                outputs.append((output.name, where))
        regions, total = self._arranged()
        fed = [(n.op.name, w) for n in inputs if isinstance(n.op, Input) and n.op.name not in self.stored
               and isinstance(w := self.where[n], Place)]  # fmt: skip
        return Plan(
            tuple(sorted(self.sizes.items())),
            tuple(fed),
            tuple(outputs),
            tuple(self.stored.items()),
            tuple(steps),
            regions,
            total,
            independent_loops(steps, below),
            self.owned,
        )

    def steps(self, forward: int = 0) -> tuple[Step, ...]:
        """The nodes' work, in order. forward: a bit for each that is no part of the gradient."""
        steps: list[Step] = []
        for i, node in enumerate(self.schedule.nodes):
            self.now = i
            work = self._work(node)
            if work:
                steps.append(Step(node, work, not forward >> i & 1))
        return tuple(steps)

    def within(self, body: Graph, order: Schedule, where: dict[Node, Where]) -> Planner:
        """A planner for the body of a loop, whose work space is one region for the time of the loop."""
        self.regions.append(_Region(0, self.now, self.now))
        inside = len(self.regions) - 1
        return Planner(
            body, self.sizes, order, {}, self.names, self.regions, where, inside=inside, number=f"{self.now}_"
        )

    def _arranged(self) -> tuple[tuple[Region, ...], int]:
        """The regions with their offsets; work space of a loop lies in a region of its own, which comes before it."""
        held: dict[int | None, list[int]] = {}
        for i, region in enumerate(self.regions):
            held.setdefault(region.inside, []).append(i)
        found = [Region(r.bytes, *self._lives(r), 0, r.store) for r in self.regions]
        for inside in sorted((i for i in held if i is not None), reverse=True):
            regions, total = arranged([found[i] for i in held[inside]])
            for i, region in zip(held[inside], regions, strict=True):
                found[i] = region
            found[inside] = replace(found[inside], bytes=total)
        nodes = self.schedule.nodes
        of = [self.regions[i].born for i in held.get(None, [])]
        threads = [self.owned.get(nodes[born]) if 0 <= born < len(nodes) else None for born in of]
        regions, total = arranged([found[i] for i in held.get(None, [])], threads)
        for i, region in zip(held.get(None, []), regions, strict=True):
            found[i] = region
        for i, region in enumerate(self.regions):
            if region.inside is not None:
                outer = found[region.inside]
                found[i] = replace(found[i], born=outer.born, dies=outer.dies, offset=outer.offset + found[i].offset)
        return tuple(found), total

    def _lives(self, region: _Region) -> tuple[int, int]:
        """When it is born and dies, where what is done at once begins and ends together."""
        born, dies = region.born, region.dies
        for first, last in self.schedule.at_once if region.inside is None else ():
            born = first if first <= born <= last else born
            dies = last if first <= dies <= last else dies
        return born, dies

    def _input(self, node: Node) -> None:
        assert isinstance(node.op, Input)
        kept = node.op.kind in ("weight", "state")
        name = self.names.of_input(node.op.name, node.op.kind)
        place = self.new(name, node.type.dtype, bound_shape(node.type, self.sizes), node.op.name if kept else None)
        self.where[node] = place
        self.regions[place.region].read_until = self.last_read(node)
        if kept:
            self.stored[node.op.name] = place

    def new(self, name: str, dtype: Dtype, shape: tuple[int, ...], store: str | None = None) -> Place:
        """A place in memory of its own."""
        self.regions.append(_Region(prod(shape) * DTYPES[dtype], self.now, self.now, store, inside=self.inside))
        return Place(name, len(self.regions) - 1, dtype, shape, contiguous(shape))

    def _allot(self, name: str, dtype: Dtype, shape: tuple[int, ...]) -> Place:
        return self.new(self.names.free(f"{name}_{self.number}{self.now}"), dtype, shape)

    def last_read(self, node: Node) -> int:
        return self.last_reads.get(node, -1)

    def touch(self, where: Where) -> None:
        for place in (where.ids, where.values, where.count) if isinstance(where, RowsPlace) else (where,):
            if isinstance(place, Place):
                region = self.regions[place.region]
                region.dies = max(region.dies, self.now)

    def _work(self, node: Node) -> tuple[Work, ...]:
        op = node.op
        if isinstance(op, Input):
            return ()
        if isinstance(op, Part):
            place = self.results[node.inputs[0]][op.index]
            assert place is not None
            self.where[node] = place
            return ()
        if isinstance(op, Scan):
            return scan_work(self, node)
        if isinstance(op, Constant):
            if self._is_literal(node):
                self.where[node] = Literal(op.value, op.dtype)
                return ()
        elif isinstance(op, VIEWS) and node not in self.schedule.in_place and self._view(node):
            return ()
        elif isinstance(op, Concat) and any(n in self.columns and self.columns[n][0] is node for n in node.inputs):
            return self._rest(node)
        inputs = tuple(self.where[n] for n in node.inputs)
        for where in inputs:
            self.touch(where)
        out = self._place(node, inputs)
        self.where[node] = out
        self.touch(out)
        if (op.elementwise and not isinstance(op, Constant)) or isinstance(op, Sum):
            plain = tuple(w.values if isinstance(w, RowsPlace) else w for w in inputs)
            values = out.values if isinstance(out, RowsPlace) else out
            if op.elementwise:
                name = self.names.free(f"blocks_{self.number}{self.now}")
                return group(
                    node, values, plain, self._dying(plain, values), self.sizes, self._allot, name, self.inside is None
                )
            inputs, out = plain, values
        scratch = tuple(self._scratch(t) for t in op.scratch(*(n.type for n in node.inputs)))
        return (Call(op, out, inputs, scratch, tuple(attributes(node, self.sizes).items())),)

    def _dying(self, inputs: Sequence[Place | Literal], out: Place) -> list[Place]:
        """Operands as large as the result that lie alone in their memory and are read for the last time."""
        places = [x for x in dict.fromkeys(inputs) if isinstance(x, Place)]
        alone = [x for x in places if sum(x.region == y.region for y in places) == 1]
        return [x for x in alone if x.shape == out.shape and x.region != out.region and self.ends(x)]

    def ends(self, x: Place) -> bool:
        """Whether nobody reads this memory any more once this step is done, and it may be written to."""
        region = self.regions[x.region]
        over = (
            region.inside == self.inside and region.store is None and region.born >= 0 and region.read_until <= self.now
        )
        return over and is_contiguous(x.shape, x.strides)

    def _scratch(self, type_: Type) -> Place:
        return self._allot("t", type_.dtype, bound_shape(type_, self.sizes))

    def _is_literal(self, node: Node) -> bool:
        users = self.users.get(node, [])
        return node not in self.at_end and all(
            isinstance(u.op, TAKE_LITERALS) and any(not isinstance(n.op, Constant) for n in u.inputs) for u in users
        )

    def _view(self, node: Node) -> bool:
        """Makes the node a view, if it can be one and all who read it can read that."""
        x = self.where[node.inputs[0]]
        shape = bound_shape(node.type, self.sizes)
        if not isinstance(x, Place) or (node in self.at_end and self._is_update(node)):
            return False
        strides = viewed(node, x, shape)
        if strides is None or (node in self.at_end and not is_contiguous(shape, strides)):
            return False
        for user in self.users.get(node, ()):
            if any(n is node and not takes(user.op, i, shape, strides) for i, n in enumerate(user.inputs)):
                return False
        if shape == x.shape and strides == x.strides and not isinstance(node.op, Broadcast):
            self.where[node] = x
            return True
        name = self.names.of_part(node) or self.names.of_op(node.op, f"{self.number}{self.now}")
        by = node.op
        if isinstance(by, Slice):
            by = Slice(by.axis, value_of(by.start, self.sizes), shape[by.axis])
        self.where[node] = Place(name, x.region, x.dtype, shape, strides, x, by)
        return True

    def _is_update(self, node: Node) -> bool:
        return any(o.node is node and o.update is not None for o in self.graph.outputs)

    def _place(self, node: Node, inputs: Sequence[Where]) -> Place | RowsPlace:
        """Where the result goes: over the weight it updates, over an operand that is read no more, or anew."""
        target = self.schedule.in_place.get(node)
        if target is not None:
            place = self.stored[target]
            self.regions[place.region].read_until = self.last_read(node)
            return place
        shape = bound_shape(node.type, self.sizes)
        if node in self.columns:
            return self._column(node, *self.columns[node])
        if node.type.rows is None:
            return self._over(node, shape, inputs) or self._own(node, node.type.dtype, shape)
        n = row_room(node.type, self.sizes)
        rows, shape = shape[0], (n, *shape[1:])
        like = next((w for w in reversed(inputs) if isinstance(w, RowsPlace)), None)
        values = (
            None if isinstance(node.op, (ScatterRows, ScatterOuter, PickRows)) else self._over(node, shape, inputs)
        ) or self._own(node, node.type.dtype, shape)
        name = self.names.free(f"{values.name}_by_id")
        if like is not None:
            return RowsPlace(name, rows, like.ids, values, like.count)
        ids = self._allot("ids", "i64", (n,))
        count = self._allot("count", "i64", (1,))
        return RowsPlace(name, rows, ids, values, count)

    def _whole(self, node: Node) -> Place:
        """Where a concat goes, some of whose parts are computed in it."""
        if node not in self.wholes:
            place = self._place(node, ())
            assert isinstance(place, Place)
            self.wholes[node] = place
        return self.wholes[node]

    def _column(self, node: Node, whole: Node, start: int) -> Place:
        assert isinstance(whole.op, Concat)
        of = self._whole(whole)
        shape = bound_shape(node.type, self.sizes)
        along = shape if len(shape) == len(of.shape) else (prod(shape),)
        by = Slice(whole.op.axis, start, along[whole.op.axis])
        name = self.names.free(f"{of.name}_part")
        if along == shape:
            return Place(name, of.region, of.dtype, shape, of.strides, of, by)
        flat = Place(self.names.free(f"{name}_flat"), of.region, of.dtype, along, of.strides, of, by)
        return Place(name, of.region, of.dtype, shape, contiguous(shape), flat, Reshape(shape))

    def _rest(self, node: Node) -> tuple[Call, ...]:
        """The parts of a concat that are not where they belong yet."""
        assert isinstance(node.op, Concat)
        self.where[node] = whole = self._whole(node)
        self.touch(whole)
        calls: list[Call] = []
        start = 0
        for part in node.inputs:
            size = value_of(part.type.shape[node.op.axis], self.sizes)
            if self.columns.get(part, (None, 0))[0] is not node:
                self.touch(self.where[part])
                calls.append(_copy(self.where[part], self._column(part, node, start)))
            start += size
        return tuple(calls)

    def _own(self, node: Node, dtype: Dtype, shape: tuple[int, ...]) -> Place:
        place = self.new(self.names.of_op(node.op, f"{self.number}{self.now}"), dtype, shape)
        self.regions[place.region].read_until = self.last_read(node)
        return place

    def _over(self, node: Node, shape: tuple[int, ...], inputs: Sequence[Where]) -> Place | None:
        values = [w.values if isinstance(w, RowsPlace) else w for w in inputs]
        for i in overwritable(node.op):
            x = values[i] if i < len(values) else None
            if not isinstance(x, Place) or (x.dtype, x.shape) != (node.type.dtype, shape):
                continue
            alone = all(not isinstance(v, Place) or v.region != x.region or v == x for v in values)
            if alone and self.ends(x):
                self.regions[x.region].read_until = self.last_read(node)
                return x
        return None

    def _copies(self) -> list[Step]:
        """Next values that could not be written in place."""
        aside: list[Step] = []
        steps: list[Step] = []
        for output in self.graph.outputs:
            if output.update is None or self.schedule.in_place.get(output.node) == output.update:
                continue
            source, target = self.where[output.node], self.stored[output.update]
            self.touch(source)
            if isinstance(source, Place) and self.regions[source.region].store is not None:
                # Two may be exchanged: all are read before one is written.
                held = self._allot("held", source.dtype, source.shape)
                aside.append(Step(output.node, (_copy(source, held),), True))
                source = held
            steps.append(Step(output.node, (_copy(source, target),), True))
        return aside + steps


def _copy(source: Where, target: Place) -> Call:
    return Call(Broadcast(target.shape), target, (source,))
