"""A program that says after each piece of work that it is done: what `nnc profile` runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.emit.numpy import Writer
from compiler.ir.graph import Node
from compiler.ir.text import op_name
from compiler.ir.types import size_bytes
from compiler.ops.fused import Fused
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum
from compiler.ops.lookup import AddRows, Gather, PickRows, SetRows
from compiler.plan.plan import Call, Plan, Positions, Step
from dsl.source import Span

FEEDING, WAITING = 0, 1
"""The numbers of what comes before a program's first work, when the batch is copied to where it is read; and of what a
thread does not do, for it waits for another one."""
ASIDE = ("feeding", "waiting")


@dataclass(frozen=True)
class Piece:
    """Work of one node, of one line of the spec.

    kernel: its op's name; gradient: as in `plan.Step`; times: how often a step does it, once for each position
    flops, bytes: each time; bytes are those of what is read and written, once each
    """

    kernel: str
    span: Span | None
    gradient: bool
    times: int = 1
    flops: int = 0
    bytes: int = 0


def emit_timed(plan: Plan) -> tuple[str, tuple[Piece, ...]]:
    """As `compiler.emit.numpy.emit`; the program calls `k.lap(i)` when piece i is done, FEEDING when it begins."""
    writer = _Timed(plan)
    source = writer.program()
    return source, tuple(writer.pieces)


class _Timed(Writer):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.sizes = dict(plan.sizes)
        self.pieces = [Piece(name, None, False) for name in ASIDE]
        self.around = 0
        """The piece of the loop whose body is written, and what ends each of its positions."""
        self.gradient = False
        self.copies: set[int] = set()
        self.times = 1

    def step(self, step: Step, heading: str) -> None:
        if len(self.pieces) == len(ASIDE):
            self.body.append(f"k.lap({FEEDING})")
        # A loop's body is what the loop is for.
        self.gradient = step.gradient
        self.around = self.piece(step)
        super().step(step, heading)
        self.body.append(f"k.lap({self.around})")

    def positions(self, loop: Positions, heading: str) -> None:
        self.copies, self.times = {id(call) for call in loop.copies}, loop.count
        super().positions(loop, heading)
        self.copies, self.times = set(), 1

    def inner(self, step: Step) -> list[str]:
        lines = super().inner(step)
        return [*lines, f"k.lap({self.piece(step)})"] if lines else lines

    def call(self, call: Call) -> list[str]:
        lines = super().call(call)
        return [*lines, f"k.lap({self.around})"] if id(call) in self.copies else lines

    def piece(self, step: Step) -> int:
        node = step.node
        flops = node.op.flops(tuple(n.type for n in node.inputs), node.type, self.sizes)
        if any(isinstance(work, Positions) for work in step.work):
            # What its body does has pieces of its own.
            flops, moved = 0, 0
        else:
            moved = touched_bytes(node, self.sizes)
        self.pieces.append(Piece(kernel_name(node), node.span, self.gradient, self.times, flops, moved))
        return len(self.pieces) - 1


def kernel_name(node: Node) -> str:
    return "fused" if isinstance(node.op, Fused) else op_name(type(node.op))


def touched_bytes(node: Node, sizes: Mapping[str, int]) -> int:
    """What a kernel reads and writes, were nothing of it in a cache; of a table only the rows that are looked up."""
    out, given = size_bytes(node.type, sizes), [size_bytes(n.type, sizes) for n in node.inputs]
    match node.op:
        case Gather() | PickRows():
            return 2 * out + given[1]
        case GatherDot() | GatherSum():
            table, ids = (n.type for n in node.inputs[:2])
            return out + size_bytes(table.with_shape((*ids.shape, *table.shape[1:])), sizes) + sum(given[1:])
        case AddOuter():
            table, ids = (n.type for n in node.inputs[:2])
            return 2 * size_bytes(table.with_shape((*ids.shape, *table.shape[1:])), sizes) + sum(given[1:])
        case AddRows():
            return 3 * given[1]
        case SetRows():
            return 2 * given[1]
        case _:
            return out + sum(given)
