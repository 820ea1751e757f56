"""Element-wise nodes: a small one in a few calls, a large one of several passes block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from compiler.ir.graph import Node, Op
from compiler.ir.types import Dtype, Type, bound_shape
from compiler.ops.elementwise import Constant, Erf, Keep, Select, Sigmoid
from compiler.ops.fused import Fused, Step
from compiler.ops.lookup import DivShifted
from compiler.plan.calls import attributes
from compiler.plan.layout import broadcast, contiguous, overwritable, reshaped
from compiler.plan.plan import Call, Literal, Loop, Place

BLOCK = 2**16
"""Elements: four float32 blocks are 1 MiB, a usual second-level cache. Smaller ones pay for their calls."""

WORTH_BLOCKS = 2 * BLOCK
"""Below, all of it stays in the cache anyway."""

Shape = tuple[int, ...]
Allot = Callable[[str, Dtype, Shape], Place]
"""Work space for the time of one step."""


def group(
    node: Node,
    out: Place,
    inputs: Sequence[Place | Literal],
    dying: Sequence[Place],
    sizes: Mapping[str, int],
    allot: Allot,
    name: str,
    blocks: bool = True,
) -> tuple[Call | Loop, ...]:
    """The work of an element-wise node; of a row-sparse operand inputs has the values' place.

    blocks: whether it may be done block by block

    dying: inputs that nobody reads any more, whose memory is work space as soon as the group has read them
    """
    if isinstance(node.op, Fused):
        steps, types = node.op.steps, node.op.step_types(*(n.type for n in node.inputs))
    else:
        steps, types = ((node.op, tuple(range(len(node.inputs)))),), (node.type,)
    # Row-sparse values all have the rows of the result.
    shapes = [out.shape if t.rows is not None else bound_shape(t, sizes) for t in types]
    looped = blocks and sum(_passes(op) for op, _ in steps) > 1 and prod(out.shape) > WORTH_BLOCKS
    inside = [i for i, shape in enumerate(shapes) if not looped or shape == out.shape]
    before = [i for i in range(len(steps)) if i not in inside]
    work = _Work(steps, types, shapes, [*before, *inside], [*inputs, *(None for _ in steps)], allot)
    calls = work.calls(before)
    if not looped:
        work.spare = [out, *dying]
        return (*calls, *work.calls(inside, out))
    return (*calls, _loop(work, inside, out, dying, name))


def _passes(op: Op) -> int:
    match op:
        case Constant():
            return 0
        case Erf():
            return 60
        case Sigmoid():
            return 4
        case Select() | Keep(negated=True) | DivShifted():
            return 2
        case _:
            return 1


@dataclass
class _Work:
    """The steps of a group as they become calls.

    values: where the inputs and then the results of the steps are, as far as they are known
    spare: memory that results may lie in once what is in it has been read
    """

    steps: Sequence[Step]
    types: Sequence[Type]
    shapes: Sequence[Shape]
    order: Sequence[int]
    values: list[Place | Literal | None]
    allot: Allot
    spare: list[Place] = field(default_factory=list[Place])

    def __post_init__(self) -> None:
        self.start = len(self.values) - len(self.steps)
        self.time = {i: t for t, i in enumerate(self.order)}
        self.last_read = [-1] * len(self.values)
        for t, i in enumerate(self.order):
            for j in self.steps[i][1]:
                self.last_read[j] = t

    def calls(self, chosen: Sequence[int], out: Place | None = None) -> list[Call]:
        """The calls of some steps. The last of them writes to out, if there is one."""
        result: list[Call] = []
        for i in chosen:
            op, operands = self.steps[i]
            if isinstance(op, Constant):
                self.values[self.start + i] = Literal(op.value, op.dtype)
                continue
            place = out if out is not None and i == chosen[-1] else self.place(i, out)
            scratch = tuple(
                self.allot("t", t.dtype, self.shapes[i]) for t in op.scratch(*(self.types[i] for _ in operands))
            )
            inputs = tuple(value for j in operands if (value := self.values[j]) is not None)
            result.append(Call(op, place, inputs, scratch, tuple(attributes(Node(op, (), self.types[i]), {}).items())))
            self.values[self.start + i] = place
        return result

    def place(self, i: int, out: Place | None) -> Place:
        """Where an inner result lies: over one of its operands if it can, else in memory that is free, else anew."""
        free = [place for place in self.spare if self.may_take(place, i, out)]
        operands = [self.values[j] for j in self.steps[i][1]]
        free.sort(key=lambda place: place not in operands)
        if free:
            return free[0]
        place = self.allot("t", self.types[i].dtype, self.shapes[i])
        self.spare.append(place)
        return place

    def may_take(self, place: Place, i: int, out: Place | None) -> bool:
        if (place.dtype, place.shape) != (self.types[i].dtype, self.shapes[i]):
            return False
        if place == out and self.last_read[self.start + i] == len(self.order) - 1:
            last, operands = self.steps[self.order[-1]]
            if not _only_over(last, operands, self.start + i):
                return False
        now = self.time[i]
        for j, value in enumerate(self.values):
            if isinstance(value, Place) and value.region == place.region and self.last_read[j] >= now:
                op, operands = self.steps[i]
                if self.last_read[j] > now or value != place or not _only_over(op, operands, j):
                    return False
        return True


def _only_over(op: Op, operands: Sequence[int], value: int) -> bool:
    """Whether the op reads the value only as operands that its result may be written over."""
    return all(position in overwritable(op) for position, j in enumerate(operands) if j == value)


def _loop(work: _Work, inside: Sequence[int], out: Place, dying: Sequence[Place], name: str) -> Loop:
    read = {j for i in inside for j in work.steps[i][1]}
    whole = {p.name: p for j in sorted(read) if isinstance(p := work.values[j], Place) and p.shape}
    whole.setdefault(out.name, out)
    together = _together(out.shape, whole.values())
    shape = (prod(out.shape[:together]), *out.shape[together:])
    rows = min(max(BLOCK // max(prod(shape[1:]), 1), 1), shape[0])
    temporaries: list[tuple[str, Place]] = []

    def part(place: Place) -> Place:
        local = f"{place.name}_"
        return Place(local, place.region, place.dtype, out.shape, contiguous(out.shape)) if place.shape else place

    def allot_block(kind: str, dtype: Dtype, _: Shape) -> Place:
        place = allot(kind, dtype, (rows, *shape[1:]))
        temporaries.append((f"{place.name}_", place))
        return part(place)

    allot = work.allot
    work.values = [part(v) if isinstance(v, Place) else v for v in work.values]
    work.spare = [part(out), *(part(place) for place in dying)]
    work.allot = allot_block
    body = work.calls(inside, part(out))
    parts = tuple((f"{place.name}_", place) for place in whole.values())
    return Loop(name, out.shape, shape, rows, parts, tuple(temporaries), tuple(body))


def _together(shape: Shape, operands: Iterable[Place]) -> int:
    """How many leading axes are one for every operand, once it is broadcast."""
    count = len(shape)
    for place in operands:
        strides = broadcast(place.shape, place.strides, shape)
        while count > 1 and reshaped(shape[:count], strides[:count], (prod(shape[:count]),)) is None:
            count -= 1
    return count
