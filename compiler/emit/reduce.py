"""Sums and maxima along axes as kernels: columns are added row by row, and rows by vectors of partial sums."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from compiler.emit.kernel import VIEWS, Argument, Kernel
from compiler.emit.memory import apart
from compiler.emit.split import Split, split
from compiler.ir.types import DTYPES
from compiler.ops.reduction import Max, Sum
from compiler.plan.plan import Call, Moving, Place

Axis = tuple[int, ...]
"""Its size, and an operand's stride along it, or two."""

NARROW, LANES = 16, 256
"""Columns that are fewer than a vector has room for are added as rows of many at once; numbers on a kernel's stack."""


def reduction_kernel(call: Call, moving: Mapping[str, Moving]) -> Kernel | None:
    """None where neither what is kept nor what goes lies without gaps."""
    op, out, x = call.op, call.out, call.inputs[0]
    assert isinstance(op, (Sum, Max))
    if not isinstance(x, Place) or not isinstance(out, Place) or x.dtype not in ("f32", "f64") or 0 in x.shape:
        return None
    if x.dtype != out.dtype or not apart(x, out, moving):
        return None
    gone = op.axes if isinstance(op, Sum) else (op.axis,)
    stays = [i for i in range(len(x.shape)) if i not in gone]
    along = out.strides if len(out.strides) == len(stays) else [out.strides[i] for i in stays]
    kept = _merged([(x.shape[i], x.strides[i], s) for i, s in zip(stays, along, strict=True)])
    reduced = _merged([(x.shape[i], x.strides[i]) for i in gone]) or [(1, 1)]
    if reduced[-1][1] == 1 and reduced[-1][0] > 1:
        return _of_rows(isinstance(op, Sum), x, out, kept, reduced)
    if kept and kept[-1][1:] == (1, 1):
        width = kept[-1][0]
        if len(kept) == 1 and len(reduced) == 1 and width < NARROW and reduced[0][1] == width:
            return _of_narrow_columns(isinstance(op, Sum), x, out, width)
        return _of_columns(isinstance(op, Sum), x, out, kept, reduced)
    return None


def _merged(axes: list[Axis]) -> list[Axis]:
    """Without those of size 1, and neighbours as one where they run through memory as one."""
    found: list[Axis] = []
    for size, *strides in axes:
        if size == 1:
            continue
        if found and all(a == size * b for a, b in zip(found[-1][1:], strides, strict=True)):
            found[-1] = (found[-1][0] * size, *strides)
        else:
            found.append((size, *strides))
    return found


class _Text:
    def __init__(self, x: Place, out: Place) -> None:
        self.arguments: list[Argument] = [x, out]
        self.lines = ["x, y = p[0], p[1]"]
        self.depth = 0
        self.size = DTYPES[x.dtype]
        self.rows = out.shape[0] if out.shape else 1
        self.splits: list[Split] = []

    def number(self, value: int) -> str:
        self.arguments.append(value)
        return f"p[{len(self.arguments) - 1}]"

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def loop(self, axis: Axis, x: str, y: str | None = None) -> str:
        """Opens a loop along the axis; the names of the addresses in it."""
        i = f"i{self.depth}"
        if self.depth == 0 and y is not None:
            self.shared(axis)
        self.line(f"for {i} in range({self.number(axis[0])}):")
        self.depth += 1
        self.line(f"x{self.depth} = {x} + {i} * {self.number(axis[1] * self.size)}")
        if y is not None:
            self.line(f"y{self.depth} = {y} + {i} * {self.number(axis[2] * self.size)}")
        return f"x{self.depth}"

    def shared(self, axis: Axis) -> None:
        """What threads can share: an axis of what is kept; its size is the next number."""
        moves = [(0, axis[1] * self.size), (1, axis[2] * self.size)]
        self.splits.append(split(axis[0], len(self.arguments), moves, self.rows))

    def kernel(self) -> Kernel:
        text = "\n".join(["def kernel(p):", *(f"    {line}" for line in self.lines)]) + "\n"
        return Kernel(text, (*self.arguments,), (*self.splits,))


def _of_rows(is_sum: bool, x: Place, out: Place, kept: list[Axis], reduced: list[Axis]) -> Kernel:
    text, view = _Text(x, out), VIEWS[x.dtype]
    at, to = "x", "y"
    for axis in kept:
        at = text.loop(axis, at, to)
        to = f"y{text.depth}"
    whole = f"{'total' if is_sum else 'largest'}_{x.dtype}"
    start = f"np.float{x.dtype[1:]}({'0' if is_sum else '-np.inf'})"
    if len(reduced) == 1:
        text.line(f"{view}({to}, 1)[0] = {whole}({at}, {text.number(reduced[0][0])})")
        return text.kernel()
    text.line(f"found = {start}")
    depth = text.depth
    for axis in reduced[:-1]:
        at = text.loop(axis, at)
    part = f"{whole}({at}, {text.number(reduced[-1][0])})"
    text.line(f"found = found + {part}" if is_sum else f"found = maximum_{x.dtype}(found, {part})")
    text.depth = depth
    text.line(f"{view}({to}, 1)[0] = found")
    return text.kernel()


def _of_columns(is_sum: bool, x: Place, out: Place, kept: list[Axis], reduced: list[Axis]) -> Kernel:
    text, view = _Text(x, out), VIEWS[x.dtype]
    at, to = "x", "y"
    for axis in kept[:-1]:
        at = text.loop(axis, at, to)
        to = f"y{text.depth}"
    if len(kept) == 1 and kept[-1][0] >= NARROW:
        text.shared(kept[-1])
    width = text.number(kept[-1][0])
    text.line(f"n = {width}")
    text.line(f"found = {view}({to}, n)")
    text.line("for j in range(n):")
    text.line(f"    found[j] = np.float{x.dtype[1:]}({'0' if is_sum else '-np.inf'})")
    for axis in reduced:
        at = text.loop(axis, at)
    text.line(f"row = {view}({at}, n)")
    text.line("for j in range(n):")
    text.line(f"    found[j] = {'found[j] + row[j]' if is_sum else f'maximum_{x.dtype}(found[j], row[j])'}")
    return text.kernel()


def _of_narrow_columns(is_sum: bool, x: Place, out: Place, width: int) -> Kernel:
    """As many columns side by side as fit the stack; they are added to each other at the end."""
    f, view = x.dtype, VIEWS[x.dtype]
    start = f"np.float{f[1:]}({'0' if is_sum else '-np.inf'})"
    join = "{0} + {1}" if is_sum else f"maximum_{f}({{0}}, {{1}})"
    lines = [
        "x, y, count, width = p[0], p[1], p[2], p[3]",
        f"many = width * ({LANES} // width)",
        f"lanes = {view}(stack_{f}(), many)",
        "for j in range(many):",
        f"    lanes[j] = {start}",
        "for i in range(count // many):",
        f"    row = {view}(x + i * many * {DTYPES[f]}, many)",
        "    for j in range(many):",
        f"        lanes[j] = {join.format('lanes[j]', 'row[j]')}",
        "done = count // many * many",
        f"row = {view}(x + done * {DTYPES[f]}, count - done)",
        "for j in range(count - done):",
        f"    lanes[j] = {join.format('lanes[j]', 'row[j]')}",
        f"found = {view}(y, width)",
        "for j in range(width):",
        f"    found[j] = {start}",
        "for i in range(many // width):",
        "    for j in range(width):",
        f"        found[j] = {join.format('found[j]', 'lanes[i * width + j]')}",
    ]
    text = "\n".join(["def kernel(p):", *(f"    {line}" for line in lines)]) + "\n"
    return Kernel(text, (x, out, prod(x.shape), width))
