"""Calls along the same rows as one kernel: row by row, a loop over its numbers for each sum that the next one needs.

A value that is only read in the kernel is computed again in each loop that reads it: what it is made of is in the
nearest cache, and a register is nearer still.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from compiler.emit.chain import EACH, FULL, ONE, Chain, Value
from compiler.emit.formulas import formula
from compiler.emit.kernel import VIEWS, Argument, Kernel
from compiler.emit.split import split
from compiler.emit.whole import whole_numbers
from compiler.ir.types import DTYPES, Dtype
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Mask
from compiler.plan.plan import Call, Literal, Place

MOST_ARRAYS = 14
"""LLVM compares each array that is written with all others before it uses vectors, and gives up on too many."""


def chain_kernel(chain: Chain, kept: Collection[int]) -> tuple[Kernel, tuple[Call, ...]] | None:
    """None where what is written lies over what is still read. kept: the regions that are read afterwards

    Besides: the calls whose results it writes.
    """
    stored = chain.stored(kept)
    if stored is None:
        return None
    text = _Text(chain, stored)
    text.write()
    if len(text.arrays) > MOST_ARRAYS or not chain.is_apart(stored, text.read):
        return None
    return text.kernel(), tuple(chain.values[v].made for v in stored)


@dataclass
class _Loop:
    """level: how many came before it; opened: rows, by their names; names: of values that it has"""

    level: int
    opened: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[int, str] = field(default_factory=dict[int, str])
    lines: list[str] = field(default_factory=list[str])


class _Text:
    def __init__(self, chain: Chain, stored: dict[int, Place]) -> None:
        self.chain, self.stored = chain, stored
        self.arguments: list[Argument] = [0, chain.rows.count, chain.rows.width]
        self.moves: list[tuple[int, int]] = [(0, 1)]
        self.head = ["before, rows, n = p[0], p[1], p[2]"]
        self.lines: list[str] = []
        self.arrays: dict[tuple[str, int, int, int, Dtype], str] = {}
        """By where it begins and ends, and how far apart its rows are, the name of what has its address."""
        self.read: dict[int, set[int]] = {}
        """Of what is read, in which loops."""
        self.scalars: dict[int, str] = {}
        self.masks: dict[tuple[object, ...], str] = {}

    def kernel(self) -> Kernel:
        head, lines = (f"    {line}\n" for line in self.head), (f"        {line}\n" for line in self.lines)
        text = "".join(["def kernel(p):\n", *head, "    for i in range(rows):\n", *lines])
        rows = split(self.chain.rows.count, 1, self.moves, self._first())
        return Kernel(text, tuple(self.arguments), (rows,))

    def _first(self) -> int:
        """Rows of the first axis, so that a thread has the same texts in many kernels."""
        out = next(v.call for v in self.chain.values if v.call is not None).out
        assert isinstance(out, Place)
        return out.shape[0]

    def write(self) -> None:
        values = self.chain.values
        # Numbers of rows are read before anything is written.
        for v, value in enumerate(values):
            if value.place is not None and value.kind in (EACH, ONE) and value.dtype != "i64":
                self.scalar(v)
        for level in range(1 + max(value.level for value in values)):
            self.scalars_of(level)
            self.loop(level)

    def scalars_of(self, level: int) -> None:
        """Of each row, what is known once so many loops have run."""
        for v, value in enumerate(self.chain.values):
            if value.kind != EACH or value.call is None or value.level != level:
                continue
            if not isinstance(value.call.op, Sum):
                self.scalars[v] = f"e{v}"
                self.lines.append(f"e{v} = {self.formula(value, [self.scalar(x) for x in value.read])}")
            if v in self.stored:
                self.lines.append(f"{self.row(v, self.stored[v])}[0] = {self.scalars[v]}")

    def loop(self, level: int) -> None:
        values, loop = self.chain.values, _Loop(level)
        sums = {
            v: value
            for v, value in enumerate(values)
            if value.call is not None and isinstance(value.call.op, Sum) and value.level == level + 1
        }
        stores = [v for v in self.stored if values[v].kind == FULL and values[v].level == level]
        if not sums and not stores:
            return
        written = [
            (self.opened(v, self.stored[v], self.chain.far(values[v]), loop), self.number(v, loop)) for v in stores
        ]
        for s, value in sums.items():
            self.scalars[s] = f"e{s}"
            self.lines.append(f"e{s} = np.float{value.dtype[1:]}(0)")
            loop.lines.append(f"e{s} = added_{value.dtype}(e{s}, {self.number(value.operands[0], loop)})")
        loop.lines += [f"{row}[j] = {name}" for row, name in written]
        self.lines += [*loop.opened.values(), "for j in range(n):", *(f"    {line}" for line in loop.lines)]

    def number(self, v: int | str, loop: _Loop) -> str:
        """The value at the row and column where the loops are."""
        if isinstance(v, str):
            return v
        value = self.chain.values[v]
        if value.kind in (EACH, ONE):
            return self.scalar(v)
        if v in loop.names:
            return loop.names[v]
        if value.call is None:
            assert value.place is not None
            self.read.setdefault(v, set()).add(loop.level)
            text = f"{self.opened(v, value.place, value.far, loop)}[j]"
        elif v in self.stored and value.level < loop.level:
            text = f"{self.opened(v, self.stored[v], self.chain.far(value), loop)}[j]"
        else:
            text = self.formula(value, [self.number(x, loop) for x in value.read])
        loop.lines.append(f"v{v} = {text}")
        loop.names[v] = f"v{v}"
        return f"v{v}"

    def formula(self, value: Value, operands: Sequence[str]) -> str:
        call = value.made
        assert isinstance(call.out, Place)
        if isinstance(call.op, Mask):
            return f"{operands[0]} if {self.seen(value)} else np.float{value.dtype[1:]}(0)"
        read: list[Dtype] = [x.dtype for x in call.inputs if isinstance(x, (Place, Literal))]
        return formula(call.op, operands, read[-1] if read else call.out.dtype, call.out.dtype)

    def seen(self, value: Value) -> str:
        """Whether the row is none of the padding."""
        call = value.made
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
            row = self.row(x, value.place)
            (self.lines if value.kind == EACH else self.head).append(f"e{x} = {row}[0]")
        return self.scalars[x]

    def row(self, v: int, place: Place) -> str:
        """A view of the one number of a row, or for all."""
        value = self.chain.values[v]
        far = DTYPES[value.dtype] if value.kind == EACH else 0
        address = self.address(v, place, far)
        return f"{VIEWS[value.dtype]}({address}{f' + i * {far}' if far else ''}, 1)"

    def opened(self, v: int, place: Place, far: int, loop: _Loop) -> str:
        """The name of its row."""
        value = self.chain.values[v]
        address = self.address(v, place, far)
        name = f"x{address[1:]}"
        if name not in loop.opened:
            moved = f" + i * s{address[1:]}" if far else ""
            loop.opened[name] = f"{name} = {VIEWS[value.dtype]}({address}{moved}, n)"
        return name

    def address(self, v: int, place: Place, far: int) -> str:
        value = self.chain.values[v]
        there = self.chain.bytes_of(place)
        key = there.space, there.begin, there.end, far, value.dtype
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
