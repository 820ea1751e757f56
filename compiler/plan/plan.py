"""What the program of one bucket does, step by step, and where in memory each value is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from compiler.ir.graph import Node, Op
from compiler.ir.types import Dtype
from compiler.plan.calls import Attribute


@dataclass(frozen=True)
class Region:
    """A stretch of the arena, or (store is its name) an array that lives from step to step.

    born, dies: the first and the last step that touch it; -1 is before the first, for what is fed
    offset: in the arena, in bytes, a multiple of 64
    """

    bytes: int
    born: int
    dies: int
    offset: int = 0
    store: str | None = None


@dataclass(frozen=True)
class Place:
    """An array over a region, or a part of one. strides count elements; two values may have one place, one after the
    other.

    of, by: for a view, the place that it is a view of, and the op that says how
    """

    name: str
    region: int
    dtype: Dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    of: Place | None = None
    by: Op | None = None


@dataclass(frozen=True)
class RowsPlace:
    """A row-sparse value: ids i64[N], values [N, *R], count i64[1]. rows: of the table that it stands for."""

    name: str
    rows: int
    ids: Place
    values: Place
    count: Place


@dataclass(frozen=True)
class Literal:
    """A constant that is written into the program."""

    value: float
    dtype: Dtype


Where: TypeAlias = Place | RowsPlace | Literal


@dataclass(frozen=True)
class Call:
    """One op. attributes are the keywords of its kernel."""

    op: Op
    out: Where
    inputs: tuple[Where, ...]
    scratch: tuple[Place, ...] = ()
    attributes: tuple[tuple[str, Attribute], ...] = ()


@dataclass(frozen=True)
class Loop:
    """Element-wise calls, block by block, so that what lies between them stays in the cache.

    whole: the shape of all operands once they are broadcast; shape: the same with its leading axes as one
    rows: how many of the first axis of shape are a block
    parts: an array and the name that its block has in the body; the body's calls have places of these names
    temporaries: arrays of one block's size
    """

    name: str
    whole: tuple[int, ...]
    shape: tuple[int, ...]
    rows: int
    parts: tuple[tuple[str, Place], ...]
    temporaries: tuple[tuple[str, Place], ...]
    body: tuple[Call, ...]

    @property
    def count(self) -> int:
        return -(-self.shape[0] // self.rows)


@dataclass(frozen=True)
class Moving:
    """At position t, part is whole[(t + offset) modulo its length]."""

    part: Place
    whole: Place
    offset: int


@dataclass(frozen=True)
class Positions:
    """Steps for each position in turn, the last one first if reverse.

    moving: the arrays of which each position has its part
    copies: what is done at the end of each step; held: (whether a row has ended, a state before, after the step): a row
    that has ended keeps its state
    ended: which rows have ended at each position, where not all are equally long
    some_ended: the name for whether any has
    """

    name: str
    count: int
    reverse: bool
    moving: tuple[Moving, ...]
    steps: tuple[Step, ...]
    copies: tuple[Call, ...]
    held: tuple[tuple[Place, Place, Place], ...]
    ended: Place | None = None
    some_ended: str = ""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of one step."""
        return (*(c for s in self.steps for c in s.work if isinstance(c, Call)), *self.copies)


Work: TypeAlias = Call | Loop | Positions


@dataclass(frozen=True)
class Step:
    """What one node does. gradient: no output but a weight's or a state's next value needs it."""

    node: Node
    work: tuple[Work, ...]
    gradient: bool


@dataclass(frozen=True)
class Plan:
    """inputs: what is fed, in the arena; store: what lives from step to step; outputs: what a step gives back

    independent: groups of loops, by their names, that need nothing of each other
    owned: nodes that one of several threads computes, for it has what they work with
    """

    sizes: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, Place], ...]
    outputs: tuple[tuple[str, Place | RowsPlace], ...]
    store: tuple[tuple[str, Place], ...]
    steps: tuple[Step, ...]
    regions: tuple[Region, ...]
    arena_bytes: int
    independent: tuple[tuple[str, ...], ...] = ()
    owned: Mapping[Node, int] = field(default_factory=dict[Node, int])

    @property
    def store_bytes(self) -> int:
        return sum(r.bytes for r in self.regions if r.store is not None)
