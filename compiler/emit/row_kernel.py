"""What a step does with the rows of tables that a batch names, as one kernel: row by row, each number once."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from compiler.emit.formulas import formula, number
from compiler.emit.kernel import VIEWS, Argument, Kernel
from compiler.emit.split import split
from compiler.ir.types import DTYPES, Dtype
from compiler.ops.lookup import AddRows, PickRows, SetRows
from compiler.plan.plan import Call, Literal, Place, RowsPlace, Where

PARTS = 1024
"""Of so many rows as there turn out to be, a thread does as many parts as it is told."""
BEGIN = f"""\
def kernel(p):
    n, ids, width, before, parts = i64(p[0], 1)[0], i64(p[1], p[2]), p[3], p[4], p[5]
    begin, end = n * before // {PARTS}, n * (before + parts) // {PARTS}
"""
BEHIND = f"""\
    if before + parts == {PARTS}:
        end = min(n + 1, p[2])
"""
"""The row that stands for id 0, of what is element by element."""


def row_kernel(rows: RowsPlace, calls: Sequence[Call]) -> Kernel:
    """calls: PickRows, SetRows, AddRows and element-wise ones, all of the same rows; what is between is not written,
    but the last one's result where it is rows"""
    return _Rows(rows, calls).kernel()


class _Rows:
    def __init__(self, rows: RowsPlace, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.arguments: list[Argument] = [
            rows.count, rows.ids, rows.ids.shape[0], prod(rows.values.shape[1:]), 0, PARTS
        ]  # fmt: skip
        self.values: dict[str, str] = {}
        """By the name of where it would be."""
        self.tables: dict[int, str] = {}
        """By its region, the number of the row that is the newest."""
        self.opened: list[str] = []
        self.head: list[str] = []
        self.lines: list[str] = []
        self.stores: dict[str, str] = {}
        for call in calls:
            self.add(call)

    def kernel(self) -> Kernel:
        behind = ""
        if not self.stores:
            out = self.calls[-1].out
            assert isinstance(out, Place)
            self.stores[self.row(out, "i")], behind = self.values[out.name], BEHIND
        last = (f"{to} = {value}" for to, value in self.stores.items())
        text = (
            BEGIN
            + behind
            + "".join(
                [
                    *(f"    {line}\n" for line in self.head),
                    "    for i in range(begin, end):\n",
                    *(f"        {line}\n" for line in self.opened),
                    "        for j in range(width):\n",
                    *(f"            {line}\n" for line in (*self.lines, *last)),
                ]
            )
        )
        return Kernel(text, tuple(self.arguments), (split(PARTS, 5, [(4, 1)]),))

    def add(self, call: Call) -> None:
        out = call.out
        if isinstance(call.op, PickRows):
            table = call.inputs[0]
            assert isinstance(table, Place)
            assert isinstance(out, RowsPlace)
            self.values[out.values.name] = self.of_table(table)
            return
        if isinstance(call.op, (SetRows, AddRows)):
            _, rows = call.inputs
            assert isinstance(rows, RowsPlace)
            assert isinstance(out, Place)
            new = self.value(rows.values)
            if isinstance(call.op, AddRows):
                new = self.named(f"{self.of_table(out)} + {new}")
            self.stores[self.row(out, "ids[i]")] = self.tables[out.region] = new
            return
        assert isinstance(out, Place)
        read: list[Dtype] = [x.dtype for x in call.inputs if isinstance(x, (Place, Literal))]
        operands = [self.value(x) for x in call.inputs]
        self.values[out.name] = self.named(formula(call.op, operands, read[-1], out.dtype))

    def named(self, text: str) -> str:
        self.lines.append(f"v{len(self.lines)} = {text}")
        return f"v{len(self.lines) - 1}"

    def value(self, x: Where) -> str:
        if isinstance(x, Literal):
            return number(x)
        assert isinstance(x, Place)
        if x.name not in self.values:
            if prod(x.shape) == 1:
                self.head.append(f"s{len(self.arguments)} = {VIEWS[x.dtype]}(p[{len(self.arguments)}], 1)[0]")
                self.values[x.name] = f"s{len(self.arguments)}"
                self.arguments.append(x)
            else:
                self.values[x.name] = self.named(self.row(x, "i"))
        return self.values[x.name]

    def of_table(self, table: Place) -> str:
        if table.region not in self.tables:
            self.tables[table.region] = self.named(self.row(table, "ids[i]"))
        return self.tables[table.region]

    def row(self, place: Place, at: str) -> str:
        """The number of the place that the loops are at."""
        known = {argument.name: i for i, argument in enumerate(self.arguments) if isinstance(argument, Place)}
        if place.name not in known:
            number = len(self.arguments)
            self.arguments.append(place)
            address = f"p[{number}] + {at} * width * {DTYPES[place.dtype]}"
            if at != "i":
                soon = f"p[{number}] + ids[min(i + 8, end - 1)] * width * {DTYPES[place.dtype]}"
                self.opened.append(f"fetch({soon}, width * {DTYPES[place.dtype]})")
            self.opened.append(f"x{number} = {VIEWS[place.dtype]}({address}, width)")
            return f"x{number}[j]"
        return f"x{known[place.name]}[j]"
