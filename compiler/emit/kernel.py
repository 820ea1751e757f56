"""Element-wise calls as one kernel: Python text that Numba compiles, one pass over memory, inner values in registers.

A kernel gets one array of whole numbers, `p`: sizes, addresses and strides in bytes. So one kernel serves all sizes,
and calling it costs one argument. What lets LLVM use vectors, as measured: rows without gaps, indexed from 0 by
`range(n)`, constants of their own type, and no two names for the same memory, for what may overlap is computed one by
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from compiler.emit.axes import Strides, walked
from compiler.emit.formulas import formula, has_formula, number
from compiler.emit.memory import apart, same_memory
from compiler.emit.split import Split, split
from compiler.ir.types import DTYPES, Dtype
from compiler.plan.layout import broadcast
from compiler.plan.plan import Call, Literal, Moving, Place

MOST_ARRAYS = 16
"""LLVM compares each array that is written with all others before it uses vectors, and gives up on too many."""

FEW = 5
"""A kernel for single numbers saves little: only one that other programs share is worth compiling."""

Argument = Place | int | str


@dataclass(frozen=True)
class Kernel:
    """text: a function `kernel(p)`

    arguments: what p holds, a place standing for its address, "f32" or "f64" for that of a matrix product
    splits: the ways in which threads can share it, the best first
    """

    text: str
    arguments: tuple[Argument, ...]
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True)
class Row:
    """An operand of a kernel. name: of its row; strides: along the walked axes, in elements"""

    name: str
    place: Place
    strides: Strides

    @property
    def step(self) -> int:
        return self.strides[-1]


def elementwise_kernel(
    calls: Sequence[Call],
    parts: Mapping[str, Place] = {},
    moving: Mapping[str, Moving] = {},
    results: Sequence[Place] = (),
) -> Kernel | None:
    """The kernel of calls that end in one result, which alone is read afterwards; None where there is none.

    parts: of a loop over blocks, the array that a name in its body stands for
    results: where others of the calls write what is read afterwards too
    """
    if not calls or not all(has_formula(call) for call in calls):
        return None
    last = calls[-1].out
    assert isinstance(last, Place)
    shape = last.shape
    formulas = Scalars(parts, moving)
    for call in calls:
        assert isinstance(call.out, Place)
        if call.out.shape != shape:
            return None
        formulas.add(call)
    outs: dict[Place, str] = {}
    for result in (*results, last):
        given = parts.get(result.name, result)
        out = next((x for x in formulas.loads if same_memory(x, given, moving)), given)
        outs[out] = formulas.values[result.name]
    places = list(dict.fromkeys((*formulas.loads, *outs)))
    if len(places) > (FEW if prod(shape) == 1 else MOST_ARRAYS):
        return None
    if not all(x == out or apart(x, out, moving) for out in outs for x in places):
        return None
    sizes, strides = walked(shape, [broadcast(x.shape, x.strides, shape) for x in places])
    rows = [Row(formulas.loads.get(x, f"x{i}"), x, s) for i, (x, s) in enumerate(zip(places, strides, strict=True))]
    return _written(formulas, rows, sizes, [(rows[places.index(out)], value) for out, value in outs.items()])


class Scalars:
    """Calls as they are for one element: each result gets a name, and no memory."""

    def __init__(self, parts: Mapping[str, Place], moving: Mapping[str, Moving]) -> None:
        self.parts, self.moving = parts, moving
        self.values: dict[str, str] = {}
        self.loads: dict[Place, str] = {}
        self.lines: list[str] = []

    def add(self, call: Call) -> None:
        operands = [self.value(x) for x in call.inputs if isinstance(x, (Place, Literal))]
        out = call.out
        assert isinstance(out, Place)
        read: list[Dtype] = [x.dtype for x in call.inputs if isinstance(x, (Place, Literal))]
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {formula(call.op, operands, read[-1] if read else out.dtype, out.dtype)}")
        self.values[out.name] = name

    def value(self, x: Place | Literal) -> str:
        if isinstance(x, Literal):
            return number(x)
        if x.name in self.values:
            return self.values[x.name]
        place = self.parts.get(x.name, x)
        known = next((p for p in self.loads if same_memory(p, place, self.moving)), None)
        if known is None:
            self.loads[place] = f"x{len(self.loads)}"
        return f"{self.loads[known or place]}[]"


def _written(formulas: Scalars, rows: Sequence[Row], sizes: tuple[int, ...], outs: Sequence[tuple[Row, str]]) -> Kernel:
    """outs: what is written, and the value"""
    arguments: list[Argument] = [*sizes]
    axes = len(sizes)
    head = [f"{', '.join(f'n{i}' for i in range(axes))} = {', '.join(f'p[{i}]' for i in range(axes))}"]
    opened: list[str] = []
    elements: dict[str, str] = {}
    last = f"n{axes - 1}"
    moves: dict[str, tuple[int, list[int]]] = {}
    for row in rows:
        size = DTYPES[row.place.dtype]
        view = VIEWS[row.place.dtype]
        names = [f"a{row.name[1:]}", *(f"s{row.name[1:]}_{i}" for i in range(axes - 1))]
        values: list[Argument] = [row.place, *(s * size for s in row.strides[:-1])]
        address = " + ".join([names[0], *(f"i{i} * {s}" for i, s in enumerate(names[1:]))])
        if row.step == 0:
            opened.append(f"{row.name} = {view}({address}, 1)[0]")
            elements[row.name] = row.name
        elif row.step == 1:
            opened.append(f"{row.name} = {view}({address}, {last})")
            elements[row.name] = f"{row.name}[j]"
        else:
            names.append(f"t{row.name[1:]}")
            values.append(row.step)
            opened.append(f"{row.name} = {view}({address}, ({last} - 1) * {names[-1]} + 1)")
            elements[row.name] = f"{row.name}[j * {names[-1]}]"
        begin = len(arguments)
        head.append(f"{', '.join(names)} = {', '.join(f'p[{begin + i}]' for i in range(len(names)))}")
        arguments += values
        moves[row.name] = (begin, [s * size for s in row.strides])
    lines = ["def kernel(p):", *(f"    {line}" for line in head)]
    for i in range(axes - 1):
        lines.append(f"{'    ' * (i + 1)}for i{i} in range(n{i}):")
    lines += [f"{'    ' * axes}{line}" for line in opened]
    lines.append(f"{'    ' * axes}for j in range({last}):")
    for line in formulas.lines:
        for name, element in elements.items():
            line = line.replace(f"{name}[]", element)
        lines.append(f"{'    ' * (axes + 1)}{line}")
    lines += [f"{'    ' * (axes + 1)}{elements[out.name]} = {value}" for out, value in outs]
    along = max(range(axes), key=lambda i: (min(sizes[i], MANY_ROWS), -i))
    first = next((size for size in outs[-1][0].place.shape if size != 1), 1)
    by = [(argument, steps[along]) for argument, steps in moves.values()]
    shared = split(sizes[along], along, by, first)
    return Kernel("\n".join(lines) + "\n", tuple(arguments), (shared,))


MANY_ROWS = 16
"""Threads share the first axis that is so long, else the longest."""

VIEWS = {"f32": "f32", "f64": "f64", "i64": "i64", "bool": "b8"}
"""Functions of `runtime.native.functions` by dtype: an address and a length as an array."""
