"""The outputs that have a label for each position of a text, or pixel of a picture: their losses, and which label wins
where."""

from __future__ import annotations

from collections.abc import Callable

from compiler.build import Mode
from compiler.experiment import Head
from compiler.ir.graph import Node, Op, Output
from compiler.ir.types import Type
from compiler.lower.losses import Losses
from compiler.lower.tagging import Tagging, is_tagging
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Cast, Div, Greater, Keep, Maximum, constant
from compiler.ops.lookup import Gather
from compiler.ops.reduction import ArgMax, Sum
from compiler.ops.shape import Reshape
from compiler.settings.train import TrainSettings
from compiler.sorts import has_labels

LEAST_COUNT = 1e-30


def results_per_position(walk: Walk, head: Head, scores: Node, mode: Mode, train: TrainSettings) -> list[Output]:
    """scores: [B, T, n]; of pixels [B, h, w, n], and h, w stand for T in what follows; of a masked output [1, M, n],
    and 1, M stand for B, T

    Prediction: `NAME.scores`, and `NAME.labels`, i64[B, T], which label wins; of `dense crf` also
    `NAME.probabilities`, f[B, T, n], of each label whatever the others in the row are. Evaluation: `NAME.losses`,
    f[B, T], and `NAME.labels`. Training: `NAME.loss`, the mean over the batch's positions that have a label, and for
    `loss sum` `NAME.sum`.

    A target below 0 is none: its position has no loss. Of `dense crf` a row has one loss, that of its tags together: in
    evaluation `NAME.losses` is f[B].
    """
    build, name, span = walk.build, head.port.name, head.port.span

    def op(op: Op, *operands: Node) -> Node:
        return build.op(op, *operands, span=span)

    tagging = Tagging(build, head, scores) if is_tagging(head) else None
    best = _winners(op, head, scores, build.number(head.threshold or 0.0)) if tagging is None else tagging.best()
    winners = Output(f"{name}.labels", best)
    if mode == "prediction":
        found = [Output(f"{name}.scores", scores), winners]
        if tagging is not None and head.loss == "crf":
            found.append(Output(f"{name}.probabilities", tagging.probabilities()))
        return found
    places = scores.type.shape[:-1]
    target = build.input(name, Type("i64", places), "data")
    known = op(Greater(), target, constant(-1, "i64"))
    right = op(Maximum(), target, constant(0, "i64"))

    def counted(values: Node) -> Node:
        return build.masked(op(Keep(), known, values), "zero", span)

    if tagging is not None and head.loss == "crf":
        of_rows = tagging.losses(target, some_lack=mode == "evaluation" or head.port.per in walk.marked)
        if mode == "evaluation":
            return [Output(f"{name}.losses", of_rows), winners]
        return means(op, name, op(Sum((0,)), of_rows), counted(op(Cast(build.dtype), known)), train)
    losses = Losses(build, head, scores, right, walk.heads.get(scores) is not None, train.loss, span)
    if mode == "evaluation":
        return [Output(f"{name}.losses", counted(losses.plain())), winners]
    weights = None
    if train.balanced and has_labels(head.port):
        labels = scores.type.shape[-1] if head.loss == "cross-entropy" else walk.units[name]
        weights = build.input(f"class_weights.{name}", Type(build.dtype, (labels,)), "number")
    smoothing = train.smoothing if head.of_probabilities else 0.0
    total = op(Sum(tuple(range(len(places)))), counted(losses.smoothed(smoothing, weights)))
    each = op(Cast(build.dtype), known) if weights is None else op(Gather(), weights, right)
    return means(op, name, total, counted(each), train)


def means(op: Callable[..., Node], name: str, total: Node, counted: Node, train: TrainSettings) -> list[Output]:
    """`NAME.loss` and, for `loss sum`, `NAME.sum`. counted: what each label weighs, 0 where there is none"""
    # A batch without any label has a loss of 0, not 0/0.
    weight = op(Sum(tuple(range(counted.type.rank))), counted)
    count = op(Maximum(), weight, constant(LEAST_COUNT, total.type.dtype))
    found = [Output(f"{name}.loss", op(Div(), total, count))]
    return [*found, Output(f"{name}.sum", total)] if train.loss.sum else found


def _winners(op: Callable[..., Node], head: Head, scores: Node, above: Node) -> Node:
    if head.threshold is None:
        return op(ArgMax(scores.type.rank - 1), scores)
    return op(Cast("i64"), op(Greater(), op(Reshape(scores.type.shape[:-1]), scores), above))
