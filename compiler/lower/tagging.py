"""Outputs whose labels are read together: those of `dense crf`, and the tags of `segments` and `spans`."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.build import Build
from compiler.experiment import Head
from compiler.ir.graph import Node, Op
from compiler.ir.types import BATCH, Type, plus
from compiler.lower import crf
from compiler.lower.crf import IMPOSSIBLE, Chain
from compiler.ops.elementwise import Add, Greater, Keep, Log, Maximum, Mul, Sub, constant
from compiler.ops.sequence import TakePosition
from compiler.ops.shape import Broadcast, Reshape, Slice
from compiler.sorts import Segments, Spans


def is_tagging(head: Head) -> bool:
    return head.loss == "crf" or isinstance(head.port.sort, Segments | Spans)


@dataclass(frozen=True)
class Tagging:
    """One output of tags. scores: [B, T, K], for a crf any numbers, else probabilities"""

    build: Build
    head: Head
    scores: Node

    def op(self, op: Op, *operands: Node) -> Node:
        return self.build.op(op, *operands, span=self.head.port.span)

    def best(self) -> Node:
        """The tags that are likeliest together, of those that the scheme allows: i64[B, T]."""
        return crf.best_path(self._chain())

    def probabilities(self) -> Node:
        """Of a crf, how likely each tag is at each position: [B, T, K]."""
        return crf.marginals(self._chain())

    def losses(self, tags: Node, *, some_lack: bool) -> Node:
        """-log of the probability of each row's tags: f[B]. tags: i64[B, T], below 0 where none is known

        some_lack: rows may have tags beside positions without; otherwise a row without its first tag has none, and no
        loss
        """
        if some_lack:
            return crf.partly_known(self._chain(), tags)
        first = self.op(Reshape((BATCH, tags.type.shape[1], 1)), tags)
        first = self.op(TakePosition(), first, self.op(Broadcast((BATCH,)), constant(0, "i64")))
        known = self.op(Greater(), self.op(Reshape((BATCH,)), first), constant(-1, "i64"))
        right = self.op(Maximum(), tags, constant(0, "i64"))
        return self.op(Keep(), known, crf.negative_log_likelihood(self._chain(), right))

    def _chain(self) -> Chain:
        span, lengths = self.head.port.span, self.build.lengths(self.scores.type.shape[1])
        learnt = self.build.steps.get(self.scores)
        rules = self._rules() if isinstance(self.head.port.sort, Segments | Spans) else None
        scores = self.scores if self.head.loss == "crf" else self.op(Log(), self.scores)
        if learnt is not None and rules is not None:
            step, first, last = (self.op(Add(), a, b) for a, b in zip(learnt, rules, strict=True))
            return Chain(scores, step, first, last, lengths, span)
        steps = learnt or rules
        assert steps is not None
        return Chain(scores, *steps, lengths, span)

    def _rules(self) -> tuple[Node, Node, Node]:
        """0 where the scheme of the tags allows a step, IMPOSSIBLE where it does not; data decide it.

        `legal.NAME`: f[K + 1, K + 1], 1 or 0, from a tag to the next one; the last place is what is around a row.
        """
        tags = self.scores.type.shape[2]
        around = plus(tags, 1)
        legal = self.build.input(f"legal.{self.head.port.name}", Type(self.build.dtype, (around, around)), "number")
        lacking = self.op(Sub(), self.build.number(1.0), legal)
        scores = self.op(Mul(), lacking, self.build.number(IMPOSSIBLE))
        of_tags, of_ends = (self.op(Slice(0, start, size), scores) for start, size in ((0, tags), (tags, 1)))
        first = self.op(Reshape((tags,)), self.op(Slice(1, 0, tags), of_ends))
        last = self.op(Reshape((tags,)), self.op(Slice(1, tags, 1), of_tags))
        return self.op(Slice(1, 0, tags), of_tags), first, last
