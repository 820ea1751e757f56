"""Element-wise nodes: a small one in a few calls, a large one of several passes block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from compiler.ir.graph import Node, Op
from compiler.ir.types import Dtype, Type, value_of
from compiler.ops.elementwise import Constant, Erf, Keep, Select, Sigmoid
from compiler.ops.fused import Fused, Step
from compiler.plan.calls import attributes
from compiler.plan.layout import broadcast, contiguous, overwritable, reshaped
from compiler.plan.plan import Call, Literal, Loop, Place

BLOCK = 2**15
"""Elements: four float32 blocks are 512 KiB, half of a usual second-level cache."""

WORTH_BLOCKS = 2 * BLOCK
"""Below, all of it stays in the cache anyway."""

Shape = tuple[int, ...]
Allot = Callable[[str, Dtype, Shape], Place]
"""Work space for the time of one step."""


def group(
    node: Node, out: Place, inputs: Sequence[Place | Literal], sizes: Mapping[str, int], allot: Allot, name: str
) -> tuple[Call | Loop, ...]:
    """The work of an element-wise node; inputs are the values' places of a row-sparse operand."""
    steps: tuple[Step, ...]
    if isinstance(node.op, Fused):
        steps, types = node.op.steps, node.op.step_types(*(n.type for n in node.inputs))
    else:
        steps, types = ((node.op, tuple(range(len(node.inputs)))),), (node.type,)
    shapes = [_shape(t, sizes, out) for t in types]
    passes = sum(_passes(op) for op, _ in steps)
    if passes < 2 or prod(out.shape) <= WORTH_BLOCKS:
        return tuple(_calls(node, steps, types, shapes, list(inputs), range(len(steps)), out, allot))
    first = [i for i, shape in enumerate(shapes) if shape != out.shape]
    values: list[Place | Literal | None] = [*inputs, *(None for _ in steps)]
    before = _calls(node, steps, types, shapes, values, first, None, allot)
    return (*before, _loop(node, steps, types, shapes, values, out, allot, name))


def _shape(type_: Type, sizes: Mapping[str, int], out: Place) -> Shape:
    # Row-sparse values all have the rows of the result.
    return out.shape if type_.rows is not None else tuple(value_of(dim, sizes) for dim in type_.shape)


def _passes(op: Op) -> int:
    match op:
        case Constant():
            return 0
        case Erf():
            return 60
        case Sigmoid():
            return 4
        case Select() | Keep(negated=True):
            return 2
        case _:
            return 1


def _calls(
    node: Node,
    steps: Sequence[Step],
    types: Sequence[Type],
    shapes: Sequence[Shape],
    values: list[Place | Literal | None],
    chosen: Sequence[int],
    out: Place | None,
    allot: Allot,
) -> list[Call]:
    """Calls for the chosen steps. values: what the inputs and earlier steps are; grows, or is filled in, by theirs.

    The last step writes to out. One that is read inside only gets work space, that of an operand which is read for the
    last time where it may.
    """
    start = len(node.inputs)
    values += [None] * (start + len(steps) - len(values))
    last_read = _last_reads(steps, start)
    free: list[Place] = []
    mine: set[str] = set()
    result: list[Call] = []
    for i in chosen:
        op, operands = steps[i]
        if isinstance(op, Constant):
            values[start + i] = Literal(op.value, op.dtype)
            continue
        inputs = tuple(_known(values[j]) for j in operands)
        dying = [
            (position, place)
            for position, (j, place) in enumerate(zip(operands, inputs, strict=True))
            if isinstance(place, Place) and place.name in mine and last_read[j] == i
        ]
        if i == len(steps) - 1 and out is not None:
            place = out
        else:
            place = next(
                (
                    p
                    for position, p in dying
                    if position in overwritable(op) and (p.dtype, p.shape) == (types[i].dtype, shapes[i])
                ),
                None,
            ) or next((p for p in free if (p.dtype, p.shape) == (types[i].dtype, shapes[i])), None)
            if place is None:
                place = allot("t", types[i].dtype, shapes[i])
            elif place in free:
                free.remove(place)
            mine.add(place.name)
        scratch = tuple(
            allot("t", t.dtype, shapes[i]) for t in op.scratch(*(Type(types[i].dtype, ()) for _ in operands))
        )
        result.append(Call(op, place, inputs, scratch, tuple(attributes(Node(op, (), types[i]), {}).items())))
        free += [p for p in {p.name: p for _, p in dying}.values() if p.name != place.name]
        values[start + i] = place
    return result


def _known(value: Place | Literal | None) -> Place | Literal:
    assert value is not None
    return value


def _last_reads(steps: Sequence[Step], start: int) -> dict[int, int]:
    last = {j: i for i, (_, operands) in enumerate(steps) for j in operands}
    for j in range(start + len(steps)):
        last.setdefault(j, len(steps))
    return last


def _loop(
    node: Node,
    steps: Sequence[Step],
    types: Sequence[Type],
    shapes: Sequence[Shape],
    values: list[Place | Literal | None],
    out: Place,
    allot: Allot,
    name: str,
) -> Loop:
    inside = [i for i, shape in enumerate(shapes) if shape == out.shape]
    read = {j for i in inside for j in steps[i][1]}
    whole = {p.name: p for j in sorted(read) if isinstance(p := values[j], Place)}
    together = _together(out, whole.values())
    shape = (prod(out.shape[:together]), *out.shape[together:])
    width = prod(shape[1:])
    rows = min(max(BLOCK // width, 1), shape[0])

    parts: dict[str, tuple[str, Place]] = {}
    for place in (*(p for p in whole.values() if p.shape), out):
        parts.setdefault(place.name, (f"{place.name}_", place))
    temporaries: list[tuple[str, Place]] = []

    def part(place: Place) -> Place:
        local = f"{place.name}_"
        return Place(local, place.region, place.dtype, out.shape, contiguous(out.shape)) if place.shape else place

    def allot_block(kind: str, dtype: Dtype, _: Shape) -> Place:
        place = allot(kind, dtype, (rows, *shape[1:]))
        temporaries.append((f"{place.name}_", place))
        return Place(f"{place.name}_", place.region, dtype, out.shape, contiguous(out.shape))

    inner = [part(v) if isinstance(v, Place) else v for v in values]
    body = _calls(node, steps, types, shapes, inner, inside, part(out), allot_block)
    return Loop(name, out.shape, shape, rows, tuple(parts.values()), tuple(temporaries), tuple(body))


def _together(out: Place, operands: Iterable[Place]) -> int:
    """How many leading axes are one for every operand, once it is broadcast."""
    count = len(out.shape)
    for place in (out, *operands):
        strides = broadcast(place.shape, place.strides, out.shape)
        while count > 1 and reshaped(out.shape[:count], strides[:count], (prod(out.shape[:count]),)) is None:
            count -= 1
    return count
