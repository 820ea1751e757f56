"""The outputs of a model: the value of each, how it is read, and its loss."""

from __future__ import annotations

from dataclasses import replace

from compiler.build import Mode, Stop
from compiler.experiment import Head
from compiler.ir.graph import Node, Output
from compiler.ir.types import BATCH, Type, is_ragged
from compiler.lower.endings import Ending
from compiler.lower.losses import Losses
from compiler.lower.made_outputs import as_one_vector, copied, mean_of_each, results_of_a_penalty
from compiler.lower.positions import results_per_position
from compiler.lower.walk import Walk
from compiler.lower.word_outputs import results_of_a_word
from compiler.ops.elementwise import Add, Div, Mul
from compiler.ops.lookup import Gather
from compiler.ops.reduction import Sum
from compiler.scope import Scope, ValueBinding
from compiler.settings.train import TrainSettings
from compiler.sorts import (
    NUMBERS,
    Class,
    Copy,
    Following,
    Penalty,
    Pixels,
    Port,
    Word,
    fed_name,
    is_written,
)
from compiler.values import Bundle, Failed, Value, is_ids, is_picture, is_sequence, what


def head_of(walk: Walk, port: Port, scope: Scope, last: Value | None, train: TrainSettings) -> tuple[Head, Node]:
    """The value of an output, and how it is read."""
    head, value = _read(walk, port, scope, last, train)
    return (replace(head, above=walk.threshold) if head.has_threshold else head), value


def _read(walk: Walk, port: Port, scope: Scope, last: Value | None, train: TrainSettings) -> tuple[Head, Node]:
    """The value of an output, and how it is read: the value of its name, or if it is the only one, the last line's."""
    binding = scope.names.get(port.name)
    found = binding.value if isinstance(binding, ValueBinding) else None
    if found is None and len(walk.units) == 1:
        found = last
    if found is None:
        walk.build.fail(
            "NN502",
            f"nothing in the body is named {port.name}",
            port.span,
            "this output has no value",
            help=f"name a line after it: {port.name} = ...",
        )
    if isinstance(found, Failed):
        raise Stop
    if isinstance(port.sort, Penalty):
        return Head(port, "penalty", "penalty"), mean_of_each(walk, port, found)
    if isinstance(port.sort, Copy):
        found = as_one_vector(walk, port.sort, found)
    if isinstance(port.sort, Pixels):
        value = _for_each_pixel(walk, port, port.sort, found)
        return Ending(walk, port, value, train).head(), value
    if port.per is not None or is_written(port):
        value = _for_each_position(walk, port, found)
        return Ending(walk, port, value, train).head(), value
    if isinstance(found, Bundle) or found.type.rank != 2 or is_ids(found) or found.type.shape[0] != BATCH:
        notes = walk.build.origin(found) if isinstance(found, Node) else ()
        walk.build.fail(
            "NN203",
            f"{port.name} needs one vector for each example, but gets {what(found)}",
            port.span,
            help=_into_one(found),
            notes=notes,
        )
    return Ending(walk, port, found, train).head(), found


def _into_one(found: Node | Bundle) -> str:
    """How what is more than a vector becomes one."""
    pool = "pool over the positions before the head, with maxpool, mean or last"
    if isinstance(found, Bundle) or any(is_ragged(d) for d in found.type.shape):
        return pool
    rows = is_sequence(found) and not is_ids(found)
    return f"make one vector of all rows before the head, with flatten; or {pool}" if rows else ""


def _for_each_position(walk: Walk, port: Port, found: Node | Bundle) -> Node:
    """The value, if it has a vector for each position of the input that the output is `per`."""
    text = walk.build.inputs[port.per or fed_name(port)]
    if isinstance(found, Node) and found.type.rank == 3 and found.type.shape[:2] == text.type.shape:
        return found
    notes = walk.build.origin(found) if isinstance(found, Node) else ()
    paddings = "`causal`" if isinstance(port.sort, Following) or is_written(port) else "`same` or `causal`"
    walk.build.fail(
        "NN218",
        f"{port.name} needs one vector for each token of {port.per or port.name}, {what(text)}, but gets {what(found)}",
        port.span,
        help=f"keep the positions: no pooling on the way, and conv with {paddings}",
        notes=notes,
    )


def _for_each_pixel(walk: Walk, port: Port, sort: Pixels, found: Node | Bundle) -> Node:
    """The value, if it has a vector for each pixel of the picture that the output is `per`."""
    if isinstance(found, Node) and is_picture(found) and found.type.shape[1:3] == (sort.height, sort.width):
        return found
    notes = walk.build.origin(found) if isinstance(found, Node) else ()
    size = f"[{sort.height}, {sort.width}, classes]"
    walk.build.fail(
        "NN582",
        f"{port.name} needs one vector for each pixel of {sort.of}, a picture {size}, but gets {what(found)}",
        port.span,
        help="keep the size, with `same`, or make it again what it was, with upsample2d; then end with dense softmax",
        notes=notes,
    )


def results_of(walk: Walk, head: Head, scores: Node, mode: Mode, train: TrainSettings) -> list[Output]:
    """What the graph of a mode gives of an output; an output `per` a text has a loss and a label for each position."""
    if head.port.per is not None or isinstance(head.port.sort, Pixels) or is_written(head.port):
        return results_per_position(walk, head, scores, mode, train)
    if isinstance(head.port.sort, Penalty):
        return results_of_a_penalty(walk, head, scores, mode, train)
    if isinstance(head.port.sort, Word):
        return results_of_a_word(walk, head, scores, mode, train)
    return _results_per_row(walk, head, scores, mode, train)


def _results_per_row(walk: Walk, head: Head, scores: Node, mode: Mode, train: TrainSettings) -> list[Output]:
    """For training `NAME.loss`, the mean over the batch, with `smoothing`, `classes` and, for `loss sum`, `NAME.sum`.

    `classes balanced`: the mean of the weighted losses is their sum over that of the weights, as PyTorch's. In
    evaluation the losses are plain: no smoothing, every label and every output weighs the same.
    """
    build, name, span = walk.build, head.port.name, head.port.span
    if mode == "prediction":
        return [Output(f"{name}.scores", scores)]
    target = copied(walk, head) if isinstance(head.port.sort, Copy) else None
    if target is None:
        numbers = isinstance(head.port.sort, NUMBERS)
        wanted = Type(build.dtype, (BATCH, walk.units[name])) if numbers else Type("i64", (BATCH,))
        target = build.input(name, wanted, "data")
    losses = Losses(build, head, scores, target, walk.heads.get(scores) is not None, train.loss, span)
    if mode == "evaluation":
        return [Output(f"{name}.scores", scores), Output(f"{name}.losses", losses.plain())]
    weights = None
    if train.balanced and isinstance(head.port.sort, Class):
        labels = scores.type.shape[1] if head.loss == "cross-entropy" else walk.units[name]
        weights = build.input(f"class_weights.{name}", Type(build.dtype, (labels,)), "number")
    smoothing = train.smoothing if head.of_probabilities else 0.0
    total = build.op(Sum((0,)), losses.smoothed(smoothing, weights), span=span)
    if weights is None:
        count = build.row_count()
    else:
        count = build.op(Sum((0,)), build.op(Gather(), weights, target, span=span), span=span)
    found = [Output(f"{name}.loss", build.op(Div(), total, count, span=span))]
    return [*found, Output(f"{name}.sum", total)] if train.loss.sum else found


def total_loss(walk: Walk, outputs: list[Output], train: TrainSettings) -> list[Output]:
    """`loss`, the losses of all outputs, each times its weight, added up; `objective`, their sums, for `loss sum`."""
    found: dict[str, Node] = {}
    for output in outputs:
        name, _, kind = output.name.rpartition(".")
        node, weight, span = output.node, train.loss.weight(name), output.node.span
        assert span is not None
        if weight != 1:
            node = walk.build.op(Mul(), node, walk.build.number(weight), span=span)
        found[kind] = walk.build.op(Add(), found[kind], node, span=span) if kind in found else node
    objective = [Output("objective", found["sum"])] if "sum" in found else []
    return [Output("loss", found["loss"]), *objective]
