"""A program whose kernels are timed, each thread's by a clock of its own: what `nnc profile --kernels fast` runs."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.emit.native import NativeWriter, listed
from compiler.emit.pieces import Done
from compiler.emit.timed import ASIDE, WAITING, Piece, kernel_name, touched_bytes
from compiler.emit.together import Listed
from compiler.ir.graph import Node
from compiler.plan.plan import Plan, Positions, Step


def emit_timed_native(plan: Plan, threads: int) -> tuple[str, tuple[Piece, ...]]:
    """As `compiler.emit.native.emit_native`; k has more functions: those of `runtime.native.timed`."""
    writer = _TimedNative(plan, threads)
    source = writer.program()
    return source, tuple(writer.made)


class _TimedNative(NativeWriter):
    def __init__(self, plan: Plan, threads: int) -> None:
        super().__init__(plan, threads)
        self.sizes = dict(plan.sizes)
        self.made = [Piece(name, None, False) for name in ASIDE]
        self.numbers: dict[str, int] = {}
        """Of the pieces, by the names of their calls."""
        self.loops: dict[str, list[int]] = {}
        """Those that are a call a thread, shared or not, for each has its own clock: the numbers of what is in them."""
        self.now: Step | None = None
        self.times = self.count = 1
        self.counted: set[Node] = set()

    def step(self, step: Step, heading: str) -> None:
        self.now = step
        before = len(self.body)
        super().step(step, heading)
        if any(line not in self.native and not line.startswith("#") for line in self.body[before:]):
            self.body.append(f"k.lap({self.piece(step)})")

    def added(self, done: Done, heading: str) -> str:
        name = super().added(done, heading)
        assert self.now is not None
        # Rows that are moved together are those of several steps.
        moved = "row_updates" if self.now.node in self.updates else ""
        self.numbers[name] = self.piece(done.step or self.now, moved)
        return name

    def chain_of(self, loop: Positions, found: Sequence[Done], shared: bool, each: str) -> str:
        assert self.now is not None
        if loop.name not in self.loops:
            self.times = loop.count
            self.loops[loop.name] = [self.piece(done.step or self.now) for done in found]
            self.times = 1
            self.numbers[loop.name] = self.piece(self.now)
        return f"k.timed_loop({each}, {self.loops[loop.name]}, {shared})"

    def inner(self, step: Step) -> list[str]:
        lines = super().inner(step)
        self.times = self.count
        number = self.piece(step)
        self.times = 1
        return [*lines, f"k.lap({number})"] if lines else lines

    def positions(self, loop: Positions, heading: str) -> None:
        self.count = loop.count
        super().positions(loop, heading)

    def one_call(self, names: Sequence[str], lists: Sequence[Sequence[Listed]] | None) -> str:
        if lists is None:
            calls = [f"{name}[0]" if name in self.loops else name for name in names]
            numbers = [self.numbers[name] for name in names]
            return f"k.timed(({', '.join(calls)},), {numbers})"
        each = ", ".join(
            f"[{', '.join(f'{item}[{r}]' if item in self.loops else listed(item) for item in items)}]"
            for r, items in enumerate(lists)
        )
        return f"k.timed_together([{each}], {[[self.number(item) for item in items] for items in lists]})"

    def number(self, item: Listed) -> int:
        name = item if isinstance(item, str) else item[0]
        return WAITING if isinstance(name, int) else self.numbers[name]

    def piece(self, step: Step, kernel: str = "") -> int:
        """Its number; what the step computes counts once, though several kernels do it."""
        node, joined = step.node, self.joined.get(step.node)
        nodes = {node} if joined is None else {*joined.nodes}
        flops = moved = 0
        if not any(isinstance(work, Positions) for work in step.work):
            new = nodes - self.counted
            flops = sum(n.op.flops(tuple(x.type for x in n.inputs), n.type, self.sizes) for n in new)
            moved = sum(touched_bytes(n, self.sizes) for n in new)
        self.counted |= nodes
        self.made.append(Piece(kernel or kernel_name(node), node.span, step.gradient, self.times, flops, moved))
        return len(self.made) - 1
