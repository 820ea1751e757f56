"""Calls along the same rows: what each value is made of, which of them are written, and whether that does no harm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeGuard

from compiler.emit.formulas import has_formula, number, passes
from compiler.emit.kernel import VIEWS
from compiler.emit.memory import Bytes, bytes_of
from compiler.emit.whole import lies_whole
from compiler.ir.types import DTYPES, Dtype
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Mask
from compiler.plan.layout import broadcast, is_contiguous, reshaped
from compiler.plan.plan import Call, Literal, Place, Plan, Where

MOST_AGAIN = 8
"""A value of more passes over a row that a later loop reads is written: to compute it again takes longer."""

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

    @property
    def made(self) -> Call:
        assert self.call is not None
        return self.call

    @property
    def read(self) -> tuple[int | str, ...]:
        """The operands but for lengths."""
        return self.operands[:1] if isinstance(self.made.op, Mask) else self.operands


class Chain:
    """Calls are added one after the other."""

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
                if not isinstance(tokens, Place) or not lies_whole(tokens) or len(out.shape) < 2:
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
        return bytes_of(x, self.plan)

    def stored(self, kept: Collection[int]) -> dict[int, Place] | None:
        """The values that are written, each with where: those in these regions, and what is dear to compute again.

        None where the latter lies where something else is written.
        """
        found = {value: place for place, value in self.made.items() if place.region in kept}
        places = {value: place for place, value in self.made.items()}
        while True:
            dear = [v for v in self.again(found) if self.passes(v, found) > MOST_AGAIN]
            if not dear:
                return found
            if any(v not in places for v in dear):
                return None
            found |= {v: places[v] for v in dear}

    def again(self, stored: Collection[int]) -> list[int]:
        """What loops read that an earlier one has computed, if it was not written then."""
        found: dict[int, None] = {}
        for v, value in enumerate(self.values):
            if value.call is None or (not isinstance(value.call.op, Sum) and (v not in stored or value.kind != FULL)):
                continue
            level = value.level - 1 if isinstance(value.call.op, Sum) else value.level
            for x in value.read:
                found |= dict.fromkeys(self._read_again(x, level, stored))
        return list(found)

    def _read_again(self, x: int | str, level: int, stored: Collection[int]) -> list[int]:
        """Of what a loop computes for x, the values that it has to compute again."""
        stack, seen = [x], dict[int | str, None]()
        while stack:
            v = stack.pop()
            if v not in seen and self._is_computed(v) and self.values[v].level == level:
                stack += self.values[v].read
            seen[v] = None
        return [v for v in seen if self._is_computed(v) and v not in stored and self.values[v].level < level]

    def passes(self, v: int, stored: Collection[int]) -> int:
        """What it costs to compute a value of all rows and columns from what is in memory."""
        stack, seen = [v], set[int]()
        while stack:
            made = stack.pop()
            if made not in seen:
                seen.add(made)
                stack += [x for x in self.values[made].read if self._is_computed(x) and x not in stored]
        return sum(passes(self.values[x].made) for x in seen)

    def _is_computed(self, v: int | str) -> TypeGuard[int]:
        """Whether it is a value of all rows and columns that the chain makes."""
        return isinstance(v, int) and self.values[v].kind == FULL and self.values[v].call is not None

    def is_apart(self, stored: Mapping[int, Place], loads: Mapping[int, set[int]]) -> bool:
        """Whether nothing is written over what is read later, or then in another place.

        loads: of what is read, in which loops
        """
        written = [(self.bytes_of(place), self.values[v], self.values[v].level) for v, place in stored.items()]
        for i, (there, value, level) in enumerate(written):
            if any(there.meet(other) for other, _, _ in written[:i]):
                return False
            for v, levels in loads.items():
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
