"""Outputs that no data are read for: `copy(x)`, whose target is an input, and `penalty`, which has none."""

from __future__ import annotations

from math import prod

from compiler.build import Mode
from compiler.experiment import Head
from compiler.ir.graph import Node, Output
from compiler.ir.types import BATCH, is_ragged
from compiler.layers.activation import numbers
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Div, Mul
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Lengths
from compiler.ops.shape import Reshape
from compiler.settings.train import TrainSettings
from compiler.sorts import Copy, Port
from compiler.values import Bundle, what


def as_one_vector(walk: Walk, sort: Copy, value: Node | Bundle) -> Node | Bundle:
    """The value of a `copy(x)` as one vector where it has the shape of x, as a picture has; else as it is."""
    if not isinstance(value, Node) or value.type.rank == 2 or value.type.shape != walk.build.inputs[sort.of].type.shape:
        return value
    assert value.span is not None
    return walk.build.op(Reshape((BATCH, sort.width)), value, span=value.span)


def copied(walk: Walk, head: Head) -> Node:
    """What a `copy(x)` is to be: the input's own numbers, [B, n]."""
    sort = head.port.sort
    assert isinstance(sort, Copy)
    given = walk.build.inputs[sort.of]
    return given if given.type.rank == 2 else walk.build.op(Reshape((BATCH, sort.width)), given, span=head.port.span)


def mean_of_each(walk: Walk, port: Port, value: Node | Bundle) -> Node:
    """The mean of all numbers that an example has, [B, 1]; padding is not among them."""
    build, span = walk.build, port.span
    if isinstance(value, Bundle) or value.type.shape[:1] != (BATCH,) or value.type.rank < 2:
        notes = build.origin(value) if isinstance(value, Node) else ()
        message = f"{port.name} is a penalty, the mean of the numbers of each example, but gets {what(value)}"
        build.fail("NN547", message, span, help="name a value that layers gave: abs(code), for example", notes=notes)
    numbers(walk.plain_use(port.name, span), value)
    sizes = value.type.shape[1:]
    known = [d for d in sizes if isinstance(d, int)]
    ragged = [d for d in sizes if is_ragged(d)]
    if len(known) + len(ragged) < len(sizes):
        message = f"{port.name} needs a width that is known, but gets {what(value)}"
        build.fail("NN213", message, span, help="put a dense layer before it: dense 128", notes=build.origin(value))
    axes = tuple(range(1, value.type.rank))
    total = build.op(Sum(axes), build.masked(value, "zero", span), span=span)
    mean = build.op(Mul(), total, build.number(1 / prod(known)), span=span)
    for dim in ragged:
        count = build.op(Lengths(dim, build.dtype), build.lengths(dim), span=span)
        mean = build.op(Div(), mean, count, span=span)
    return build.op(Reshape((BATCH, 1)), mean, span=span)


def results_of_a_penalty(walk: Walk, head: Head, means: Node, mode: Mode, train: TrainSettings) -> list[Output]:
    """means: [B, 1]

    Prediction: `NAME.scores`. Evaluation: `NAME.losses`, f[B]. Training: `NAME.loss`, the mean over the batch, and for
    `loss sum` `NAME.sum`.
    """
    build, name, span = walk.build, head.port.name, head.port.span
    if mode == "prediction":
        return [Output(f"{name}.scores", means)]
    each = build.op(Reshape((BATCH,)), means, span=span)
    if mode == "evaluation":
        return [Output(f"{name}.losses", each)]
    total = build.op(Sum((0,)), each, span=span)
    found = [Output(f"{name}.loss", build.op(Div(), total, build.row_count(), span=span))]
    return [*found, Output(f"{name}.sum", total)] if train.loss.sum else found
