"""What threads can share of a step: its kernels and its loops, as pieces with their costs and with what they touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.emit.accesses import accesses, shares
from compiler.emit.kernel import Kernel
from compiler.emit.memory import start_of
from compiler.emit.split import Split
from compiler.emit.together import Accesses, Piece, apart
from compiler.ir.graph import Node
from compiler.plan.plan import Call, Place, Plan, Positions, Step, Where


@dataclass(frozen=True)
class Done:
    """A kernel; out: what it makes or has a part in; calls: those that write what it writes; cost: in nanoseconds

    step: of a loop over positions, where that is not the loop itself
    """

    kernel: Kernel
    out: Where
    calls: tuple[Call, ...]
    cost: float
    step: Step | None = None


@dataclass(frozen=True)
class Joined:
    """Several steps as one kernel. nodes: theirs"""

    done: Done
    nodes: tuple[Node, ...]


def piece(name: str, done: Done, plan: Plan, threads: int) -> Piece:
    alone = accesses(done.kernel, done.calls, plan)
    if not done.kernel.splits or done.kernel.splits[0].units < threads:
        return Piece(name, done.cost, alone)
    split = done.kernel.splits[0]
    cuts = split.cuts(threads)
    return Piece(name, done.cost, alone, cuts, shares(done.kernel, done.calls, plan, split, cuts))


def by_rows(loop: Positions, found: Sequence[Done], plan: Plan, threads: int) -> list[Split] | None:
    """How each kernel of a position is shared so that no thread ever needs what another one has: by the rows of the
    states. None where they cannot be so."""
    rows = loop.moving[0].part.shape[0] if loop.moving and loop.moving[0].part.shape else 0
    if threads < 2 or rows < 2 * threads or not _as_one_position(loop, found):
        return None
    moving = {m.part.name: m for m in loop.moving}
    splits: list[Split] = []
    every: list[tuple[Accesses, ...]] = []
    for done in found:
        split = next((s for s in done.kernel.splits if s.rows == rows), None)
        if split is None or split.units // split.rows * rows != split.units:
            return None
        splits.append(split)
        every.append(shares(done.kernel, done.calls, plan, split, split.cuts(threads), moving))
    return splits if apart(every) else None


def _as_one_position(loop: Positions, found: Sequence[Done]) -> bool:
    """Whether what holds of one position holds of all: arrays that lie over each other move alike."""
    steps: dict[int, set[int]] = {}
    for m in loop.moving:
        steps.setdefault(m.whole.region, set()).add(m.whole.strides[0])
    parts = {m.part.name for m in loop.moving}
    for done in found:
        for x in done.kernel.arguments:
            if isinstance(x, Place) and x.region in steps and start_of(x)[0].name not in parts:
                return False
    return all(len(each) == 1 for each in steps.values())


def loop_piece(
    loop: Positions, found: Sequence[Done], splits: Sequence[Split] | None, plan: Plan, threads: int
) -> Piece:
    moving = {m.part.name: m for m in loop.moving}
    alone = tuple(dict.fromkeys(a for done in found for a in accesses(done.kernel, done.calls, plan, moving)))
    cost = loop.count * sum(done.cost for done in found)
    if splits is None:
        return Piece(loop.name, cost, alone)
    return Piece(loop.name, cost, alone, tuple(range(threads + 1)), (alone,) * threads)
