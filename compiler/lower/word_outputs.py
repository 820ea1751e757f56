"""The outputs that are a word: told from all others, from a few that are drawn, or branch by branch of a tree."""

from __future__ import annotations

from dataclasses import replace

from compiler.build import Build, Mode
from compiler.experiment import Head
from compiler.ir.graph import Node, Op, Output
from compiler.ir.types import BATCH, Dim, Type, symbol
from compiler.lower.losses import Losses
from compiler.lower.positions import means
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Abs, Cast, Greater, Keep, Mul, Neg, Softplus, constant
from compiler.ops.lookup import Gather
from compiler.ops.reduction import ArgMax, Sum
from compiler.ops.shape import Reshape
from compiler.settings.train import TrainSettings
from compiler.sorts import Negatives, levels_symbol_of
from dsl.source import Span


def results_of_a_word(walk: Walk, head: Head, scores: Node, mode: Mode, train: TrainSettings) -> list[Output]:
    """scores: [B, V]

    Prediction: `NAME.scores`. Evaluation: `NAME.losses`, f[B], and under softmax `NAME.labels`, i64[B], the likeliest
    word. Training: `NAME.loss`, the mean over the batch's rows whose word has an id, and for `loss sum` `NAME.sum`.

    A target of 0 is none: its row has no loss.
    """
    build, name, span = walk.build, head.port.name, head.port.span
    if mode == "prediction":
        return [Output(f"{name}.scores", scores)]

    def op(op: Op, *operands: Node) -> Node:
        return build.op(op, *operands, span=span)

    target = build.input(name, Type("i64", (BATCH,)), "data")
    known = op(Greater(), target, constant(0, "i64"))
    of_a_word = build.word_heads.get(scores)
    if of_a_word is not None:
        plain = _told_apart(build, head, scores, span)
    else:
        losses = Losses(build, head, scores, target, walk.heads.get(scores) is not None, train.loss, span)
        plain = losses.plain() if mode == "evaluation" else losses.smoothed(train.smoothing, None)
    each = op(Keep(), known, plain)
    if mode == "evaluation":
        found = [Output(f"{name}.losses", each)]
        return found if of_a_word is not None else [*found, Output(f"{name}.labels", op(ArgMax(1), scores))]
    return means(op, name, op(Sum((0,)), each), op(Cast(build.dtype), known), train)


def _cost(build: Build, scores: Node, nodes: tuple[Node, ...]) -> None:
    """What the line of the head costs: what is computed in the place of its scores, which are of all words."""
    for i, row in enumerate(build.rows):
        if row.span == scores.span:
            build.rows[i] = replace(row, nodes=(*row.nodes, *nodes))


def _told_apart(build: Build, head: Head, scores: Node, span: Span) -> Node:
    """The sum over l of -log sigmoid(s[l] u[l] . x), f[B], which data feed.

    `NAME.rows`, i64[B, L]: which rows u of the table, 0 for none; `NAME.signs`, f[B, L]: 1 or -1, 0 where there is
    none. Of negative sampling the first is the word, 1, and the others are drawn, -1; of a tree they are the inner
    nodes on the way to the word, and which branch it takes there.

    Source: Mikolov et al. 2013, arXiv:1310.4546, eq. 4; Morin and Bengio 2005.
    """
    of_a_word = build.word_heads[scores]
    name, table, x = head.port.name, of_a_word.table, of_a_word.x

    def op(op: Op, *operands: Node) -> Node:
        return build.op(op, *operands, span=span)

    levels: Dim = symbol(levels_symbol_of(head.port))
    if isinstance(of_a_word.against, Negatives):
        levels = 1 + of_a_word.against.count
    rows = build.input(f"{name}.rows", Type("i64", (BATCH, levels)), "data")
    signs = build.input(f"{name}.signs", Type(build.dtype, (BATCH, levels)), "data")
    wide = op(Reshape((BATCH, 1, x.type.shape[1])), x)
    looked_up = op(Gather(), table, rows)
    times = op(Mul(), looked_up, wide)
    products = op(Sum((2,)), times)
    _cost(build, scores, (looked_up, times, products))
    losses = op(Softplus(), op(Neg(), op(Mul(), signs, products)))
    return op(Sum((1,)), op(Mul(), op(Abs(), signs), losses))
