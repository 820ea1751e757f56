"""What a run takes of memory at most, part by part, told before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import islice
from math import prod
from typing import Literal

import numpy as np

from compiler.ir.types import DTYPES, Type, bound_shape, elements, is_ragged, size_bytes, symbol
from compiler.ops.distinct import MatMulRows, OuterRows
from compiler.ops.parted import OuterParts
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import PutAlong, TakeAlong
from compiler.plan.plan import Call, Loop, Place, Plan, Positions, RowsPlace, Where, Work
from runtime.backend import Array
from runtime.data import Rows
from runtime.data.batches import POOL, batch_count, batches, largest_sizes, padded_widths, schedule
from runtime.data.spelled import Spelled, padded_words
from runtime.data.tokens import Sequences
from runtime.data.windows import TOGETHER
from runtime.execute import KEPT, Executor
from runtime.memory import in_words
from runtime.threads import threads

CALL_BYTES, VIEW_BYTES = 1100, 165
"""A bound program: of each call its plan, source, code and views; of each block of a loop each view."""
POSITION_BYTES, NUMBER_BYTES, ROW_BYTES = 52, 20, 64
PAIR_BYTES, MASK_BYTES = 200, 160
"""What drawing the pairs of an epoch takes for each sentence, and drawing masks for each position of a batch."""
WINDOW_BYTES = 120 * TOGETHER
"""What making and mixing the windows of many words takes, for each neighbour that a word may have."""
"""A batch is made while the one before it still lies there: of a text's position its id twice, where it comes from and
what that is computed with; of a number itself in three forms; of a row its place in the epoch's order."""
PACKED, MOST_PACKED = 448, 32 << 20
"""BLAS copies one factor of a product into memory of its own: so many columns at a time, at most so many bytes for a
thread. Measured with OpenBLAS."""
SAMPLED = 300
"""Batches that are looked at where their words count; those of later epochs have about as many other sizes."""
MORE_WORDS = 1.1
"""By how much a batch of a later epoch may have more different words than any of these; 1.06 was seen (UD EWT)."""
ALWAYS = 1 << 20
SLACK = 0.06
"""Of the whole, for what an allocator leaves between."""


@dataclass(frozen=True)
class Footprint:
    """Bytes, of what is there at the same time.

    data: the rows as ids and numbers, read before; copies: the best epoch's weights, and all at the epoch's start
    arena: activations, gradients and all else between, of the largest batch; batches: rows on their way into it
    programs: compiled ones, one for each length of batches; products: what BLAS copies
    scores: what an evaluation collects
    """

    data: int
    weights: int
    optimizer: int
    copies: int
    arena: int
    batches: int
    programs: int
    products: int
    scores: int

    @property
    def total(self) -> int:
        parts = sum(getattr(self, part.name) for part in fields(self))
        return ALWAYS + parts + int(SLACK * (parts - self.data))

    @property
    def to_come(self) -> int:
        """What is not there yet when training begins."""
        return self.total - self.data


@dataclass(frozen=True)
class Plans:
    """An executor, the rows it runs over, and the sizes of the largest batches of them.

    order: of the rows; those of training are mixed
    """

    executor: Executor
    rows: Rows
    batch: int
    tokens: int | None = None
    unroll: int | None = None
    order: Literal["train", "plain"] = "train"

    def sizes(self) -> list[dict[str, int]]:
        """Of words that are spelled, as many different ones as are to be expected: there could be twice as many."""
        found = largest_sizes(self.rows, self.batch, self.tokens, self.unroll)
        return [{**sizes, **{s: min(sizes[s], n) for s, n in self._expected_words.items()}} for sizes in found]

    @cached_property
    def _expected_words(self) -> dict[str, int]:
        """By symbol. Of a stream nothing is known."""
        rows = self.rows
        if not rows.spelled or rows.stream:
            return {}
        every = schedule(rows, self.batch, order=self.order, tokens=self.tokens)
        some = every[:SAMPLED] if self.order == "train" else every[-SAMPLED:]  # those in plain order grow longer
        found: dict[str, int] = {}
        for name, column in rows.spelled.items():
            most = max(1 + len(np.unique(column.take(chosen).ids)) for chosen in some)
            found[rows.spelled_symbols(name)[0]] = padded_words(int(MORE_WORDS * most))
        return found

    def largest(self) -> list[Plan]:
        return [self.executor.plan(sizes) for sizes in self.sizes()]


def footprint(
    parameters: Sequence[Type],
    states: Sequence[Type],
    epochs: int | None,
    training: Plans,
    scoring: Sequence[Plans],
    parts: Sequence[Rows],
    beside: Sequence[Plans] = (),
) -> Footprint:
    """Of a training run over parts. epochs: at most, None where only steps are counted; beside: what is run before each
    step"""
    weights, optimizer = (sum(size_bytes(t, {}) for t in types) for types in (parameters, states))
    largest = max((elements(t, {}) for t in (*parameters, *states)), default=0)
    plans = [(part, plan) for part in (training, *scoring, *beside) for plan in part.largest()]
    return Footprint(
        data=sum(map(data_bytes, parts)),
        weights=weights,
        optimizer=optimizer,
        # The look for what is not finite takes a byte for each number.
        copies=2 * weights + optimizer + largest,
        arena=max(plan.arena_bytes for _, plan in plans),
        batches=max(batch_bytes(part.rows, dict(plan.sizes)) for part, plan in plans)
        + max(ROW_BYTES * part.rows.count for part in (training, *scoring)),
        programs=sum(_programs(part, epochs) for part in (training, *beside)) + _programs_of(scoring),
        products=max(_packed_bytes(plan) for _, plan in plans),
        scores=max((_score_bytes(part) for part in scoring), default=0),
    )


def in_parts(found: Footprint) -> str:
    """`157 MB: data 240 kB, weights 11 MB, ...`, without what is nothing."""
    parts = ((part.name, getattr(found, part.name)) for part in fields(found))
    return f"{in_words(found.total)}: " + ", ".join(f"{name} {in_words(size)}" for name, size in parts if size)


def data_bytes(rows: Rows) -> int:
    """The encoded rows."""
    found = 0
    for column in rows.columns.values():
        parts = (column, column.letters) if isinstance(column, Spelled) else (column,)
        found += sum(c.ids.nbytes + 2 * c.offsets.nbytes if isinstance(c, Sequences) else _extent(c) for c in parts)
    if rows.text is not None:
        found += rows.text.lines.ids.nbytes + 2 * rows.text.lines.offsets.nbytes + WINDOW_BYTES * rows.text.widest
    if rows.documents is not None:
        found += rows.documents.lines.ids.nbytes + PAIR_BYTES * len(rows.documents.lines.lengths)
    return found


def _extent(array: Array) -> int:
    """Bytes from its first number to its last; windows of a series lie on each other."""
    reach = sum((size - 1) * abs(stride) for size, stride in zip(array.shape, array.strides, strict=True) if size)
    return min(array.nbytes, array.itemsize + reach)


def batch_bytes(rows: Rows, sizes: Mapping[str, int]) -> int:
    """Making a batch of these sizes."""
    count = sizes["B"]
    found = 0
    if rows.documents is not None:
        found += count * sum(sizes[s] for s in rows.symbols.values()) * MASK_BYTES
    for name, column in rows.columns.items():
        if isinstance(column, Sequences):
            found += count * sizes[rows.symbol_of(name)] * POSITION_BYTES
            if isinstance(column, Spelled):
                found += prod(sizes[s] for s in rows.spelled_symbols(name)) * POSITION_BYTES
        else:
            found += count * prod(column.shape[1:]) * NUMBER_BYTES
    return found


def program_bytes(plan: Plan) -> tuple[int, int, int]:
    """A bound program and its plan: what every batch size costs, what grows with the positions that loops go along, and
    what grows with the rows."""
    calls, views, tables = 0, 0, 0
    for work in _work(plan):
        if isinstance(work, Positions):
            calls += len(work.moving)
            views += work.count * (1 + len(work.moving) + len(work.calls))
            continue
        if isinstance(work, Loop):
            calls += len(work.body)
            views += work.count * (1 + len(work.parts) + len(work.temporaries))
            continue
        calls += 1
        if isinstance(work.op, TakeAlong | PutAlong):
            of = work.inputs[0] if isinstance(work.op, TakeAlong) else work.out
            assert isinstance(of, Place)
            tables += DTYPES["i64"] * prod(of.shape) // max(of.shape[work.op.axis], 1)
    return calls * CALL_BYTES, views * VIEW_BYTES, tables


def _programs(part: Plans, epochs: int | None) -> int:
    """All programs that can stay bound."""
    fixed, loops, tables = (max(of) for of in zip(*(program_bytes(plan) for plan in part.largest()), strict=True))
    kinds, of_loops, of_tables = _kinds_seen(part) if part.rows.spelled else _kinds(part)
    number = batch_count(part.rows, part.batch, tokens=part.tokens, unroll=part.unroll)
    count = min(KEPT, kinds, number * (KEPT if epochs is None else epochs))
    # The largest is there once, the others are of every length.
    return count * fixed + loops + tables + int((count - 1) * (loops * of_loops + tables * of_tables))


def _kinds(part: Plans) -> tuple[int, float, float]:
    """How many sizes of batches there are; how large what grows with loops is in these, and what grows with rows."""
    widths = [_widths(part.rows, port, symbol) for port, symbol in part.rows.symbols.items()]
    kinds = prod(len(w) for w in widths) * (2 if part.tokens is None and part.rows.count % part.batch else 1)
    share = prod(float(w.mean() / w.max()) for w in widths)
    return KEPT if part.tokens is not None else kinds, share, share


def _kinds_seen(part: Plans) -> tuple[int, float, float]:
    """The same where words are spelled: how many a batch has takes few different values for each length of text."""
    every = batches(part.rows, part.batch, order="train", tokens=part.tokens, unroll=part.unroll)
    seen = {tuple(batch.sizes.items()) for batch in islice(every, SAMPLED)}

    def share(counts: Callable[[str], bool]) -> float:
        totals = [sum(size for name, size in sizes if counts(name)) for sizes in seen]
        return sum(totals) / len(totals) / max(sum(s for n, s in sizes.items() if counts(n)) for sizes in part.sizes())

    # Where all rows are sorted together every epoch has about the same batches.
    others = 2 if part.rows.count > POOL * part.batch else 1
    return others * len(seen), share(lambda name: is_ragged(symbol(name))), share(lambda name: name.startswith("W"))


def _programs_of(scoring: Sequence[Plans]) -> int:
    """Those of scoring: all parts are scored by the same executor."""
    return max((_programs(part, 1) for part in scoring), default=0)


def _widths(rows: Rows, port: str, symbol: str) -> np.ndarray:
    if rows.text is not None:
        return np.unique([rows.padded_length(symbol, n) for n in range(1, rows.text.widest + 1)])
    if rows.documents is not None:
        return np.array(padded_widths(rows))
    lengths = np.unique(rows.lengths(port))
    return np.unique([rows.padded_length(symbol, max(1, int(n))) for n in lengths])


def _work(plan: Plan) -> Iterator[Work]:
    """Loops over positions, and what they do in each step, too."""
    for step in plan.steps:
        for work in step.work:
            yield work
            if isinstance(work, Positions):
                yield from work.calls


def _packed_bytes(plan: Plan) -> int:
    """What BLAS takes for the largest product.

    With several threads each of them packs its share of the rows in two halves, and between these leaves room for
    PACKED columns: over batches of many lengths all of that is touched. A gradient has the same shape in all of them.
    """
    found = 0
    for work in _work(plan):
        if isinstance(work, Call) and isinstance(work.op, MatMul | MatMulRows | Outer | OuterParts | OuterRows):
            x, out = _dense(work.inputs[0]), _dense(work.out)
            rows, width = prod(x.shape[:-1]), x.shape[-1]
            outer = isinstance(work.op, Outer | OuterParts | OuterRows)
            steady = outer or threads() == 1
            if outer:
                rows, width = width, rows
            width = min(width, PACKED)
            apart = width if steady else (width + PACKED) // 2
            packed = rows * apart + width * min(out.shape[-1], 2 * PACKED)
            found = max(found, min(packed * DTYPES[x.dtype], MOST_PACKED * threads()))
    return found


def _dense(where: Where) -> Place:
    """The array, or that of a row-sparse value's rows."""
    place = where.values if isinstance(where, RowsPlace) else where
    assert isinstance(place, Place)
    return place


def _score_bytes(part: Plans) -> int:
    """What scoring collects of all rows, and counts labels with."""
    found = 0
    for output in part.executor.graph.outputs:
        shape = bound_shape(output.node.type, part.sizes()[0])
        # Of what has positions, only those of the rows are held, end to end.
        ragged = output.node.type.ragged is not None
        numbers = part.rows.tokens * prod(shape[2:]) if ragged else part.rows.count * prod(shape[1:])
        found += numbers * DTYPES[output.node.type.dtype]
    return found + part.rows.count * ROW_BYTES
