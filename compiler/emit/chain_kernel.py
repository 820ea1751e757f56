"""Calls along the same rows as one kernel: row by row, a loop over its numbers for each sum that the next one needs.

A value that is only read in the kernel is computed again in each loop that reads it: what it is made of is in the
nearest cache, and a register is nearer still.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod

from compiler.emit.formulas import formula, has_formula, number
from compiler.emit.kernel import VIEWS, Argument, Kernel
from compiler.emit.memory import start_of
from compiler.emit.split import split
from compiler.emit.whole import whole_numbers
from compiler.ir.types import DTYPES, Dtype
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Mask
from compiler.plan.layout import broadcast, is_contiguous, reshaped
from compiler.plan.plan import Call, Literal, Place, Plan, Where

MOST_ARRAYS = 14
"""LLVM compares each array that is written with all others before it uses vectors, and gives up on too many."""

FULL, EACH, COLUMNS, ONE = "full", "each", "columns", "one"
"""A number of each row and column, of each row, of each column, or for all."""


@dataclass(frozen=True)
class Rows:
    """So many rows of so many columns."""

    count: int
    width: int

    def kind(self, shape: tuple[int, ...]) -> str | None:
        """What a result of this shape has a number for."""
        if shape and shape[-1] == self.width and prod(shape) == self.count * self.width:
            return FULL
        return EACH if prod(shape) == self.count else None


@dataclass(frozen=True)
class Bytes:
    """space: the arena, or the name of a weight or state"""

    space: str
    begin: int
    end: int

    def meet(self, other: Bytes) -> bool:
        return self.space == other.space and self.begin < other.end and other.begin < self.end


@dataclass(frozen=True)
class Value:
    """level: in how many loops over a row, one after the other, what it needs is summed

    place: where it is read, of what the chain does not make; else call makes it of the operands, numbers of values
    far: bytes from one row to the next
    """

    kind: str
    level: int
    dtype: Dtype
    place: Place | None = None
    far: int = 0
    call: Call | None = None
    operands: tuple[int | str, ...] = ()


class Chain:
    """Calls are added one after the other; `kernel` makes one of them."""

    def __init__(self, plan: Plan, rows: Rows) -> None:
        self.plan, self.rows = plan, rows
        self.values: list[Value] = []
        self.made: dict[Place, int] = {}
        """The value that is in each place now."""
        self.loads: dict[tuple[str, int, int, str, Dtype], int] = {}
        """What is read, by where it begins and how."""

    def add(self, calls: Sequence[Call]) -> bool:
        """Whether they go along these rows; if not, the chain is as it was."""
        before = [*self.values], dict(self.made), dict(self.loads)
        if all(self._added(call) for call in calls):
            return True
        self.values, self.made, self.loads = before
        return False

    def _added(self, call: Call) -> bool:
        out = call.out
        if not isinstance(out, Place) or not is_contiguous(out.shape, out.strides):
            return False
        value = self._value(call, out)
        if value is None or self.plan.regions[out.region].store is not None:
            return False
        over = self._under(out)
        if any(self.bytes_of(place) != self.bytes_of(out) for place in over):
            return False
        self.values.append(value)
        self.made = {place: v for place, v in self.made.items() if place not in over} | {out: len(self.values) - 1}
        return True

    def _under(self, x: Place) -> list[Place]:
        """What the chain has made in the same region that shares bytes with it."""
        return [
            place for place in self.made if place.region == x.region and self.bytes_of(place).meet(self.bytes_of(x))
        ]

    def _value(self, call: Call, out: Place) -> Value | None:
        match call.op:
            case Sum(axes=axes):
                x = call.inputs[0]
                if not isinstance(x, Place) or axes != (len(x.shape) - 1,) or self.rows.kind(x.shape) != FULL:
                    return None
                read = self._operand(x, x.shape)
                if read is None or self.rows.kind(out.shape) != EACH or not _is_number(out):
                    return None
                return Value(EACH, self._level([read]) + 1, out.dtype, call=call, operands=(read,))
            case Mask(fill="zero") if not dict(call.attributes).get("time_first"):
                x, tokens = call.inputs
                if not isinstance(tokens, Place) or len(out.shape) < 2 or not isinstance(x, Place):
                    return None
                kind = self.rows.kind(out.shape)
                if out.shape[0] * out.shape[1] != self.rows.count or kind is None or not _is_number(out):
                    return None
                read, lengths = self._operand(x, out.shape), self._load(tokens, ONE, 0)
                return None if read is None else Value(kind, self._level([read]), out.dtype, call=call,
                                                       operands=(read, lengths))  # fmt: skip
            case _:
                kind = self.rows.kind(out.shape)
                if kind is None or not has_formula(call) or out.dtype == "i64":
                    return None
                operands = [number(x) if isinstance(x, Literal) else self._operand(x, out.shape) for x in call.inputs]
                found = tuple(x for x in operands if x is not None)
                if len(found) < len(operands):
                    return None
                if kind == EACH and any(isinstance(x, int) and self.values[x].kind in (FULL, COLUMNS) for x in found):
                    return None
                return Value(kind, self._level(found), out.dtype, call=call, operands=found)

    def _level(self, operands: Sequence[int | str]) -> int:
        return max((self.values[x].level for x in operands if isinstance(x, int)), default=0)

    def _operand(self, x: Where, shape: tuple[int, ...]) -> int | None:
        """The value that it is in a call whose result has this shape."""
        if not isinstance(x, Place) or x.dtype not in VIEWS or x.dtype == "i64":
            return None
        full = self.rows.kind(shape) == FULL
        to = (self.rows.count, self.rows.width) if full else (self.rows.count,)
        strides = reshaped(shape, broadcast(x.shape, x.strides, shape), to)
        if strides is None:
            return None
        match (*strides, *(() if full else (0,))):
            case (0, 0):
                kind, far = ONE, 0
            case (1, 0):
                kind, far = EACH, 1
            case (0, 1) if full:
                kind, far = COLUMNS, 0
            case (far, 1) if full and far >= self.rows.width:
                kind = FULL
            case _:
                return None
        over = self._under(x)
        if not over:
            return self._load(x, kind, far)
        if len(over) > 1 or self.bytes_of(over[0]) != self.bytes_of(x):
            return None
        value = self.values[self.made[over[0]]]
        same = value.kind == kind and value.dtype == x.dtype and far == (self.rows.width if kind == FULL else 1)
        return self.made[over[0]] if same else None

    def _load(self, x: Place, kind: str, far: int) -> int:
        at = self.bytes_of(x)
        key = at.space, at.begin, far, kind, x.dtype
        if key not in self.loads:
            self.values.append(Value(kind, 0, x.dtype, place=x, far=far * DTYPES[x.dtype]))
            self.loads[key] = len(self.values) - 1
        return self.loads[key]

    def bytes_of(self, x: Place) -> Bytes:
        region, size = self.plan.regions[x.region], DTYPES[x.dtype]
        begin = start_of(x)[1] * size + (region.offset if region.store is None else 0)
        elements = 1 + sum((n - 1) * s for n, s in zip(x.shape, x.strides, strict=True))
        return Bytes(region.store or "", begin, begin + elements * size)

    def kernel(self, kept: Collection[int]) -> tuple[Kernel, tuple[Call, ...]] | None:
        """None where what is written lies over what is still read. kept: the regions that are read afterwards

        Besides: the calls whose results it writes.
        """
        stored = {value: place for place, value in self.made.items() if place.region in kept}
        text = _Text(self, stored)
        text.write()
        if len(text.arrays) > MOST_ARRAYS or not self._apart(text, stored):
            return None
        calls = tuple(call for v in stored if (call := self.values[v].call) is not None)
        return text.kernel(), calls

    def _apart(self, text: _Text, stored: dict[int, Place]) -> bool:
        """Whether nothing is written over what is read later, or than in the same place."""
        written = [(self.bytes_of(place), self.values[v], text.wrote[v]) for v, place in stored.items()]
        for i, (there, value, level) in enumerate(written):
            if any(there.meet(other) for other, _, _ in written[:i]):
                return False
            for v, levels in text.read.items():
                read = self.values[v]
                assert read.place is not None
                before = self.bytes_of(read.place)
                if before.meet(there) and not (
                    (read.kind, read.dtype, before.begin) == (value.kind, value.dtype, there.begin)
                    and (read.kind == EACH or (read.far == self.far(value) and max(levels) <= level))
                ):
                    return False
        return True

    def far(self, value: Value) -> int:
        """Bytes from one row to the next of what is written."""
        return DTYPES[value.dtype] * (self.rows.width if value.kind == FULL else 1)


def _is_number(place: Place) -> bool:
    return place.dtype in ("f32", "f64")


class _Text:
    def __init__(self, chain: Chain, stored: dict[int, Place]) -> None:
        self.chain, self.stored = chain, stored
        self.arguments: list[Argument] = [0, chain.rows.count, chain.rows.width]
        self.moves: list[tuple[int, int]] = [(0, 1)]
        self.head = ["before, rows, n = p[0], p[1], p[2]"]
        self.lines: list[str] = []
        self.arrays: dict[tuple[str, int, int, Dtype], str] = {}
        """By where it begins and how far apart its rows are, the name of what has its address."""
        self.read: dict[int, set[int]] = {}
        """Of what is read, in which loops."""
        self.wrote: dict[int, int] = {}
        """In which loop each is written."""
        self.scalars: dict[int, str] = {}
        self.masks: dict[tuple[object, ...], str] = {}

    def kernel(self) -> Kernel:
        head, lines = (f"    {line}\n" for line in self.head), (f"        {line}\n" for line in self.lines)
        text = "".join(["def kernel(p):\n", *head, "    for i in range(rows):\n", *lines])
        rows = split(self.chain.rows.count, 1, self.moves, self._first())
        return Kernel(text, tuple(self.arguments), (rows,))

    def _first(self) -> int:
        """Rows of the first axis, so that a thread has the same texts in many kernels."""
        call = next(v.call for v in self.chain.values if v.call is not None and v.kind == FULL)
        assert isinstance(call.out, Place)
        return call.out.shape[0]

    def write(self) -> None:
        values = self.chain.values
        # Numbers of rows are read before anything is written.
        for v, value in enumerate(values):
            if value.place is not None and value.kind in (EACH, ONE) and value.dtype != "i64":
                self.scalar(v)
        for level in range(1 + max(value.level for value in values)):
            self.scalars_of(level)
            self.loop(level)
        self.scalars_of(1 + max(value.level for value in values))

    def scalars_of(self, level: int) -> None:
        """Of each row, what is known once so many loops have run."""
        for v, value in enumerate(self.chain.values):
            if value.kind in (EACH, ONE) and value.call is not None and value.level == level:
                if not isinstance(value.call.op, Sum):
                    self.scalars[v] = f"e{v}"
                    self.lines.append(f"e{v} = {self.formula(value, [self.scalar(x) for x in _read(value)])}")
                if v in self.stored:
                    self.wrote[v] = level
                    self.lines.append(f"{self.row(v, self.stored[v], 1)}[0] = {self.scalars[v]}")

    def loop(self, level: int) -> None:
        values = self.chain.values
        sums = [
            v
            for v, x in enumerate(values)
            if x.call is not None and isinstance(x.call.op, Sum) and x.level == level + 1
        ]
        stores = [v for v in self.stored if values[v].kind == FULL and values[v].level == level]
        if not sums and not stores:
            return
        names: dict[int, str] = {}
        opened: dict[str, str] = {}
        inner: list[str] = []
        for v in (*stores, *(x for s in sums for x in values[s].operands if isinstance(x, int))):
            self.number(v, level, names, opened, inner)
        for s in sums:
            self.scalars[s] = f"e{s}"
            (x,) = values[s].operands
            assert isinstance(x, int)
            inner.append(f"e{s} = added_{values[s].dtype}(e{s}, {names[x]})")
        for v in stores:
            self.wrote[v] = level
            row = self.opened(v, self.stored[v], self.chain.far(values[v]), opened)
            inner.append(f"{row}[j] = {names[v]}")
        self.lines += [f"e{s} = np.float{values[s].dtype[1:]}(0)" for s in sums]
        self.lines += [*opened.values(), "for j in range(n):", *(f"    {line}" for line in inner)]

    def number(self, v: int, level: int, names: dict[int, str], opened: dict[str, str], inner: list[str]) -> str:
        """The value at the row and column where the loops are."""
        value = self.chain.values[v]
        if value.kind in (EACH, ONE):
            return self.scalar(v)
        if v in names:
            return names[v]
        if value.call is None or (v in self.stored and value.level < level):
            place = value.place or self.stored[v]
            if value.call is None:
                self.read.setdefault(v, set()).add(level)
            far = value.far if value.call is None else self.chain.far(value)
            text = f"{self.opened(v, place, far, opened)}[j]"
        else:
            operands = [self.number(x, level, names, opened, inner) if isinstance(x, int) else x for x in _read(value)]
            text = self.formula(value, operands)
        inner.append(f"v{v} = {text}")
        names[v] = f"v{v}"
        return names[v]

    def formula(self, value: Value, operands: Sequence[str]) -> str:
        call = value.call
        assert call is not None
        assert isinstance(call.out, Place)
        if isinstance(call.op, Mask):
            return f"{operands[0]} if {self.seen(value)} else np.float{value.dtype[1:]}(0)"
        read: list[Dtype] = [x.dtype for x in call.inputs if isinstance(x, (Place, Literal))]
        return formula(call.op, operands, read[-1] if read else call.out.dtype, call.out.dtype)

    def seen(self, value: Value) -> str:
        """Whether the row is none of the padding."""
        call = value.call
        assert call is not None
        assert isinstance(call.out, Place)
        given = whole_numbers(call)
        tokens = value.operands[1]
        assert isinstance(tokens, int)
        numbers = tuple(given[name] for name in ("factor", "shift", "step", "least"))
        key = (tokens, call.out.shape[1], *numbers)
        if key not in self.masks:
            factor, shift, step, least, count = (self.given(x) for x in (*numbers, call.out.shape[1]))
            place = self.chain.values[tokens].place
            assert place is not None
            self.read.setdefault(tokens, set()).add(0)
            address = self.address(tokens, place, 0)
            length = f"i64({address} + (before + i) // {count} * 8, 1)[0]"
            real = f"max(({factor} * {length} + {shift}) // {step}, {least})"
            self.masks[key] = f"m{len(self.masks)}"
            self.lines.append(f"{self.masks[key]} = (before + i) % {count} < {real}")
        return self.masks[key]

    def given(self, value: int) -> str:
        self.arguments.append(value)
        name = f"g{len(self.arguments)}"
        self.head.append(f"{name} = p[{len(self.arguments) - 1}]")
        return name

    def scalar(self, x: int | str) -> str:
        if isinstance(x, str):
            return x
        value = self.chain.values[x]
        if x not in self.scalars:
            assert value.place is not None
            self.read.setdefault(x, set()).add(0)
            self.scalars[x] = f"e{x}"
            row = self.row(x, value.place, value.far)
            (self.lines if value.kind == EACH else self.head).append(f"e{x} = {row}[0]")
        return self.scalars[x]

    def row(self, v: int, place: Place, far: int) -> str:
        """A view of the one number of a row, or for all."""
        value = self.chain.values[v]
        far = DTYPES[value.dtype] if value.kind == EACH else 0
        address = self.address(v, place, far)
        return f"{VIEWS[value.dtype]}({address}{f' + i * {far}' if far else ''}, 1)"

    def opened(self, v: int, place: Place, far: int, opened: dict[str, str]) -> str:
        value = self.chain.values[v]
        address = self.address(v, place, far)
        name = f"x{address[1:]}"
        if name not in opened:
            moved = f" + i * s{address[1:]}" if far else ""
            opened[name] = f"{name} = {VIEWS[value.dtype]}({address}{moved}, n)"
        return name

    def address(self, v: int, place: Place, far: int) -> str:
        value = self.chain.values[v]
        there = self.chain.bytes_of(place)
        key = there.space, there.begin, far, value.dtype
        if key not in self.arrays:
            at = len(self.arguments)
            self.arguments += [place, far]
            self.head.append(f"a{at}, s{at} = p[{at}], p[{at + 1}]")
            if far:
                self.moves.append((at, far))
            self.arrays[key] = f"a{at}"
        if v in self.stored and self.stored[v] is place:
            # What lay there before is read from the same address, and written over.
            self.arguments[int(self.arrays[key][1:])] = place
        return self.arrays[key]


def _read(value: Value) -> tuple[int | str, ...]:
    """Its operands but for lengths."""
    assert value.call is not None
    return value.operands[:1] if isinstance(value.call.op, Mask) else value.operands
