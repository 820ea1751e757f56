"""A whole model into graphs: inputs, body, outputs, losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import NoReturn

from compiler.build import Build, Bundle, Failed, Mode, Origin, SameTable, Stop, TooLarge, Value, is_ids, what
from compiler.experiment import Head, Network
from compiler.ir.graph import Graph, Node, Output, sorted_nodes
from compiler.ir.types import BATCH, Dim, Dtype, Type, bind, is_ragged, symbol
from compiler.lower import statements
from compiler.lower.losses import loss_of
from compiler.lower.walk import Walk
from compiler.ops.elementwise import Add, Div
from compiler.ops.reduction import Sum
from compiler.scope import Scope, ValueBinding
from compiler.settings import TrainSettings
from compiler.sorts import (
    Class,
    Port,
    Real,
    Tokens,
    classes_symbol_of,
    owner,
    sequence_symbol_of,
    vocabulary_symbol_of,
)
from dsl import ast
from dsl.errors import Diagnostic
from dsl.source import Span

MOST_WEIGHTS = 100_000_000_000
"""400 GB in single precision."""


END_IN_SOFTMAX = "end with dense softmax"


@dataclass(frozen=True)
class Lowered:
    """One mode's graph, with what the network needs of it."""

    build: Build
    walk: Walk
    graph: Graph | None
    heads: tuple[Head, ...]


def lower(
    model: ast.Model,
    top: Scope,
    ports: tuple[Port, ...],
    train: TrainSettings,
    mode: Mode,
    dtype: Dtype,
    sizes: Mapping[str, int],
) -> Lowered:
    """The model in one mode; graph is None where there were errors, which the build holds."""
    build = Build(mode, dtype, sizes)
    units: dict[str, Dim] = {p.name: _units(p, ports, sizes) for p in ports if p.output}
    classes = {p.name: isinstance(p.sort, Class) for p in ports if p.output}
    walk = Walk(build, top, units, classes)
    inputs = [p for p in ports if not p.output]
    scope = Scope(top)
    for port in inputs:
        scope.names[port.name] = ValueBinding(_input(build, port, ports, sizes), port.span)
    current = scope.names[inputs[0].name] if len(inputs) == 1 else None
    try:
        for port in inputs:
            walk.free(ast.Name(port.name, span=port.span), top)
        last = statements.body(walk, model.body, scope, current.value if isinstance(current, ValueBinding) else None)
    except (Stop, TooLarge):
        last = None
    if build.diagnostics:
        return Lowered(build, walk, None, ())
    outputs: list[Output] = []
    heads: list[Head] = []
    values: list[Node] = []
    for port in (p for p in ports if p.output):
        try:
            head, scores = _output(walk, port, scope, last, train)
            heads.append(head)
            values.append(scores)
            outputs += _results(walk, head, scores, mode)
        except Stop:
            continue
    if build.diagnostics or len(heads) < len(walk.units):
        return Lowered(build, walk, None, ())
    if mode == "training":
        outputs = _total(walk, outputs)
        _unused(walk, inputs, [*values, *(n for part in walk.parts for n in _nodes(part))])
    order = [*build.inputs.values(), *build.weights.values()]
    return Lowered(build, walk, None if build.diagnostics else Graph(tuple(order), tuple(outputs)), tuple(heads))


def _units(port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Dim:
    if isinstance(port.sort, Real):
        return port.sort.width
    return bind(symbol(classes_symbol_of(port, ports)), sizes)


def _input(build: Build, port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Node:
    if isinstance(port.sort, Tokens):
        dim = symbol(sequence_symbol_of(port, ports))
        node = build.input(port.name, Type("i64", (BATCH, dim), "zero"), "data")
        build.vocabularies[node] = bind(symbol(vocabulary_symbol_of(port, ports)), sizes)
        build.owners[node] = owner(port)
        build.lengths(dim)
    else:
        width = port.sort.width if isinstance(port.sort, Real) else 1
        node = build.input(port.name, Type(build.dtype, (BATCH, width)), "data")
    build.origins[node] = Origin(port.span, f"this input is {what(node)}", port.name)
    return node


def _output(walk: Walk, port: Port, scope: Scope, last: Value | None, train: TrainSettings) -> tuple[Head, Node]:
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
    if isinstance(found, Bundle) or found.type.rank != 2 or is_ids(found) or found.type.shape[0] != BATCH:
        pooled = isinstance(found, Bundle) or any(is_ragged(d) for d in found.type.shape)
        notes = walk.build.origin(found) if isinstance(found, Node) else ()
        walk.build.fail(
            "NN203",
            f"{port.name} needs one vector for each example, but gets {what(found)}",
            port.span,
            help="pool over the positions before the head, with maxpool, mean or last" if pooled else "",
            notes=notes,
        )
    return _head(walk, port, found, train), found


def _head(walk: Walk, port: Port, value: Node, train: TrainSettings) -> Head:
    units, width = walk.units[port.name], value.type.shape[1]

    def misfit(code: str, message: str, help: str) -> NoReturn:
        walk.build.fail(code, message, port.span, help=help, notes=walk.build.origin(value))

    if isinstance(port.sort, Real):
        if width != units:
            misfit("NN209", f"{port.name} is {units} numbers, but its value is {width} wide", "end with dense")
        if width == 1 and walk.heads.get(value) == "softmax":
            misfit("NN516", f"{port.name} is one number, and softmax over one number is always 1", "end with dense")
        return Head(port, "linear", "mean squared error")
    activation = walk.heads.get(value)
    if train.loss == "perceptron" and activation != "sign":
        walk.build.fail(
            "NN513",
            f"loss perceptron is for dense sign, which {port.name} does not end in",
            port.span,
            help="end with dense sign, or leave the loss out",
        )
    if activation in ("sigmoid", "sign") and isinstance(units, int) and units > 2:
        misfit(
            "NN209",
            f"{port.name} has {units} classes, but dense {activation} tells two apart",
            END_IN_SOFTMAX,
        )
    if value in walk.scores:
        misfit(
            "NN515",
            f"{port.name} needs probabilities, but {walk.scores[value]} gives any numbers",
            END_IN_SOFTMAX,
        )
    if activation == "softmax":
        return Head(port, "softmax", "cross-entropy")
    if activation == "sigmoid":
        return Head(port, "sigmoid", "logistic")
    if activation == "sign":
        if train.loss != "perceptron":
            walk.build.fail(
                "NN513",
                f"{port.name} ends in sign, whose gradient is 0: no loss can train it",
                port.span,
                help="write `loss perceptron` in train, or end with dense softmax",
            )
        return Head(port, "sign", "perceptron")
    # How many classes there are may not be known yet; then a number of units may be right.
    known = isinstance(units, int) or not isinstance(width, int)
    if (width not in (units, 1) and known) or (width == 1 and isinstance(units, int) and units > 2):
        misfit("NN209", f"{port.name} has {units} classes, but its value is {width} wide", END_IN_SOFTMAX)
    return Head(port, "sigmoid" if width == 1 else "probabilities", "logistic" if width == 1 else "cross-entropy")


def _results(walk: Walk, head: Head, scores: Node, mode: Mode) -> list[Output]:
    build, name, span = walk.build, head.port.name, head.port.span
    if mode == "prediction":
        return [Output(f"{name}.scores", scores)]
    target_type = (
        Type(build.dtype, (BATCH, head.port.sort.width)) if isinstance(head.port.sort, Real) else Type("i64", (BATCH,))
    )
    target = build.input(name, target_type, "data")
    losses = loss_of(build, head, scores, target, walk.heads.get(scores) is not None, span)
    if mode == "evaluation":
        return [Output(f"{name}.scores", scores), Output(f"{name}.losses", losses)]
    total = build.op(Sum((0,)), losses, span=span)
    count = build.input("rows", Type(build.dtype), "number")
    return [Output(f"{name}.loss", build.op(Div(), total, count, span=span))]


def _total(walk: Walk, outputs: list[Output]) -> list[Output]:
    """The losses of all outputs, added up."""
    loss = outputs[0].node
    for other in outputs[1:]:
        assert other.node.span is not None
        loss = walk.build.op(Add(), loss, other.node, span=other.node.span)
    return [Output("loss", loss)]


def _unused(walk: Walk, inputs: list[Port], values: list[Node]) -> None:
    """An input, a name or a line that reaches no output's value is an error."""
    reached = set(sorted_nodes(values))
    build = walk.build
    for port in inputs:
        if build.inputs[port.name] not in reached:
            build.report(
                Diagnostic(
                    "NN503",
                    f"the input {port.name} reaches no output",
                    port.span,
                    "never used",
                    help=f"use it, or leave it out: {port.name} | ...",
                )
            )
    for span, name in walk.shared.items():
        if span not in walk.shared_used:
            build.report(Diagnostic("NN503", f"{name} is never used", span, "never used", help=f"x | {name} uses it"))
    used: dict[Span, bool] = {}
    for line in walk.lines:
        used[line.span] = used.get(line.span, False) or any(n in reached for n in _nodes(line.value))
    for line in walk.lines:
        if not used[line.span]:
            named = f"{line.name} is" if line.name else "this line's value is"
            build.report(
                Diagnostic(
                    "NN503",
                    f"{named} never used: it reaches no output",
                    line.span,
                    "never used",
                    help="use it in a later line, or leave it out",
                )
            )


def _nodes(value: Value) -> tuple[Node, ...]:
    return value.parts if isinstance(value, Bundle) else (value,) if isinstance(value, Node) else ()


def network(
    model: ast.Model, top: Scope, ports: tuple[Port, ...], train: TrainSettings, dtype: Dtype, sizes: Mapping[str, int]
) -> tuple[Network | None, list[Diagnostic]]:
    """The model lowered for training, evaluation and prediction; None with the errors where there are any."""
    training = lower(model, top, ports, train, "training", dtype, sizes)
    while training.build.same_tables and not training.build.diagnostics:
        merged, wrong = _one_vocabulary(ports, training.build.same_tables[0])
        if wrong is not None:
            return None, [wrong]
        ports = merged
        training = lower(model, top, ports, train, "training", dtype, sizes)
    if training.graph is None:
        return None, training.build.diagnostics
    too_large = _too_large(training.build)
    if too_large is not None:
        return None, [too_large]
    others = [lower(model, top, ports, train, mode, dtype, sizes) for mode in ("evaluation", "prediction")]
    evaluation, prediction = (o.graph for o in others)
    if evaluation is None or prediction is None:
        return None, [d for o in others for d in o.build.diagnostics]
    return (
        Network(
            model.name.id,
            tuple(p for p in ports if not p.output),
            tuple(p for p in ports if p.output),
            training.heads,
            tuple(training.build.parameters.values()),
            tuple(training.build.rows),
            training.graph,
            evaluation,
            prediction,
        ),
        [],
    )


def _one_vocabulary(ports: tuple[Port, ...], same: SameTable) -> tuple[tuple[Port, ...], Diagnostic | None]:
    """The ports with the second's vocabulary joined to the first's: their ids look up the same table."""
    found = {p.name: p.sort for p in ports if isinstance(p.sort, Tokens)}
    first, second = found[same.first], found[same.second]
    if first.unit != second.unit:
        message = f"{same.first} is {first.unit} and {same.second} is {second.unit}: they cannot share one table"
        return ports, Diagnostic("NN307", message, same.span, help="give each an embed of its own")
    merged = tuple(
        replace(p, sort=replace(p.sort, vocabulary=same.first))
        if isinstance(p.sort, Tokens) and owner(p) == same.second
        else p
        for p in ports
    )
    return merged, None


def _too_large(build: Build) -> Diagnostic | None:
    """What no machine could hold, whatever the data are."""
    most, total = None, 0
    for parameter in build.parameters.values():
        count = prod(d if isinstance(d, int) else 1 for d in parameter.type.shape)
        total += count
        if most is None or count > most[0]:
            most = count, parameter
    if most is None or total <= MOST_WEIGHTS:
        return None
    message = f"the model has {total:,} weights, more than any machine holds"
    return Diagnostic("NN510", message, most[1].span, "most of them are here", help="make the layer narrower")
