"""A whole model into graphs: inputs, body, outputs, losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

from compiler.build import Build, Mode, Origin, SameTable, Stop, TooLarge, WordHead
from compiler.experiment import Head, Network
from compiler.ir.graph import Graph, Node, Output, sorted_nodes
from compiler.ir.types import BATCH, Dim, Dtype, Type, bind, symbol
from compiler.lower import decoding, following, stateful, statements, structures
from compiler.lower.heads import head_of, results_of, total_loss
from compiler.lower.picked import picked
from compiler.lower.walk import Walk
from compiler.scope import Scope, ValueBinding
from compiler.settings.train import TrainSettings
from compiler.sorts import (
    NUMBERS,
    Category,
    Document,
    Follows,
    Image,
    Masked,
    Penalty,
    Pixels,
    Port,
    Real,
    Series,
    Tokens,
    asked_symbol_of,
    classes_symbol_of,
    has_positions,
    is_pair,
    is_written,
    owner,
    places_of,
    segment_of,
    sequence_symbol_of,
    vocabulary_symbol_of,
    vocabulary_word,
    word_of,
)
from compiler.values import Bundle, Value, what
from compiler.views import base
from dsl import ast
from dsl.errors import Diagnostic
from dsl.source import Span

NO_TARGET = 0
"""Units of a head for an output that has none."""
MOST_WEIGHTS = 100_000_000_000
"""400 GB in single precision."""


@dataclass(frozen=True)
class Lowered:
    """One mode's graph, with what the network needs of it."""

    build: Build
    walk: Walk
    graph: Graph | None
    heads: tuple[Head, ...]
    values: tuple[Node, ...] = ()
    """Of each head the scores."""

    def word_heads(self) -> list[tuple[Head, WordHead]]:
        known = self.build.word_heads
        return [(h, known[v]) for h, v in zip(self.heads, self.values, strict=True) if v in known]


def lower(
    model: ast.Model,
    top: Scope,
    ports: tuple[Port, ...],
    train: TrainSettings,
    mode: Mode,
    dtype: Dtype,
    sizes: Mapping[str, int],
    freeze: frozenset[str] = frozenset(),
    threshold: float | None = None,
) -> Lowered:
    """The model in one mode; graph is None where there were errors, which the build holds."""
    # Of a text that is written the end, or the begin, is one more.
    longest = {
        sequence_symbol_of(p, ports): p.sort.max + is_written(p)
        for p in ports
        if isinstance(p.sort, Tokens) and p.sort.max
    }
    build = Build(mode, dtype, sizes, longest, freeze=freeze)
    build.pixels = any(isinstance(p.sort, Pixels) for p in ports)
    build.documents = {p.name: p.sort.sentence for p in ports if isinstance(p.sort, Document)}
    units: dict[str, Dim] = {p.name: _units(p, ports, sizes) for p in ports if p.output}
    classes = {p.name: not isinstance(p.sort, NUMBERS) for p in ports if p.output}
    marked = frozenset(p.name for p in ports if isinstance(p.sort, Tokens) and p.sort.marks)
    walk = Walk(build, top, units, classes, marked, threshold=threshold)
    walk.written.update({p.name: decoding.fed(build, p, ports, sizes) for p in ports if is_written(p)})
    inputs = [p for p in ports if not p.output]
    scope = Scope(top)
    for port in inputs:
        scope.names[port.name] = ValueBinding(_input(build, port, ports, sizes), port.span)
    current = scope.names[inputs[0].name] if len(inputs) == 1 else None
    try:
        for port in inputs:
            walk.free(ast.Name(port.name, span=port.span), top)
        last = statements.body(walk, model.body, scope, current.value if isinstance(current, ValueBinding) else None)
        # A body that only declares has no value, though nothing in it is wrong.
        last = None if all(map(structures.structures_only, model.body.statements)) and current is None else last
    except (Stop, TooLarge):
        last = None
    if build.diagnostics:
        return Lowered(build, walk, None, ())
    outputs: list[Output] = []
    heads: list[Head] = []
    values: list[Node] = []
    for port in (p for p in ports if p.output):
        if is_written(port) and port.name not in walk.decoded:
            build.report(decoding.no_decode(port))
            continue
        try:
            head, scores = head_of(walk, port, scope, last, train)
            heads.append(head)
            values.append(scores)
        except Stop:
            continue
    for head, scores in zip(heads, values, strict=True):
        try:
            asked = _asked(walk, head, scores, values) if isinstance(head.port.sort, Masked) else scores
            outputs += results_of(walk, head, asked, mode, train)
        except Stop:
            continue
    if build.diagnostics or len(heads) < len(walk.units):
        return Lowered(build, walk, None, ())
    if mode == "training":
        outputs = total_loss(walk, outputs, train)
        _unused(walk, inputs, [*values, *(n for part in walk.parts for n in _nodes(part))])
        _heads_of_no_output(walk, values)
        outputs += [Output(f"{name}'", node, name) for name, node in build.updates.items()]
    outputs += [Output(f"{name}'", last) for name, (last, _) in build.carried.items()]
    order = [*build.inputs.values(), *build.weights.values()]
    return Lowered(
        build, walk, None if build.diagnostics else Graph(tuple(order), tuple(outputs)), tuple(heads), tuple(values)
    )


def _units(port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Dim:
    if isinstance(port.sort, NUMBERS):
        return port.sort.width
    if isinstance(port.sort, Penalty):
        return NO_TARGET
    if isinstance(port.sort, Follows):
        return 2
    return bind(symbol(classes_symbol_of(port, ports)), sizes)


def _input(build: Build, port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Node:
    match port.sort:
        case Tokens() | Category():
            node = _ids(build, port, ports, sizes)
        case Image(height=height, width=width, channels=channels):
            node = build.input(port.name, Type(build.dtype, (BATCH, height, width, channels)), "data")
        case Real(width=width):
            node = build.input(port.name, Type(build.dtype, (BATCH, width)), "data")
        case Series(steps=steps, columns=columns):
            shape = (BATCH, steps) if columns is None else (BATCH, steps, columns)
            node = build.input(port.name, Type(build.dtype, shape), "data")
        case _:
            raise AssertionError("this is no input")
    build.origins[node] = Origin(port.span, f"this input is {what(node)}", port.name)
    return node


def _ids(build: Build, port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Node:
    """[T] of a text or of what has a text's positions; one id of a category."""
    positions = (symbol(sequence_symbol_of(port, ports)),) if has_positions(port) else ()
    node = build.input(port.name, Type("i64", (BATCH, *positions)).with_pad("zero"), "data")
    for dim in positions:
        build.lengths(dim)
    build.vocabularies[node] = bind(symbol(vocabulary_symbol_of(port, ports)), sizes)
    build.owners[node] = owner(port)
    if is_pair(port.sort):
        build.pairs.add(node)
    return node


def _asked(walk: Walk, head: Head, scores: Node, values: list[Node]) -> Node:
    """The scores of a masked output at the positions that are asked about, [1, M, V]."""
    build, name = walk.build, head.port.name
    places = build.input(places_of(name), Type("i64", (1, symbol(asked_symbol_of(name)))), "data")
    others = [*(v for v in values if v is not scores), *(last for last, _ in build.carried.values())]
    found = picked(build, scores, places, [*others, *build.updates.values()])
    if scores in walk.heads:
        walk.heads[found] = walk.heads[scores]
    return found


def _heads_of_no_output(walk: Walk, values: list[Node]) -> None:
    """A `crf` whose scores go on into another layer: nothing would ever use what it learns of neighbours; and a head of
    words, whose scores are not made while it learns."""
    for scores in walk.build.word_heads:
        if scores not in values:
            message = "dense negatives= and hierarchical predict a word, and this is no output"
            place = walk.build.origins[scores].span
            walk.build.report(Diagnostic("NN591", message, place, help="end with it, or write dense 100"))
    for scores in walk.build.steps:
        if scores not in values:
            help = "end with it, or write dense without crf"
            message = "dense crf scores the tags of an output, and this is no output"
            walk.build.report(Diagnostic("NN219", message, walk.build.origins[scores].span, help=help))


def _unused(walk: Walk, inputs: list[Port], values: list[Node]) -> None:
    """An input, a name or a line that reaches no output's value is an error."""
    reached = set(sorted_nodes(values))
    build = walk.build
    for port in inputs:
        views = [build.inputs[view.of(port.name)] for view in build.views.get(port.name, ())]
        views += [build.inputs[name] for name in (segment_of(port.name),) if name in build.inputs]
        if reached.isdisjoint((build.inputs[port.name], *views)):
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
    model: ast.Model,
    top: Scope,
    ports: tuple[Port, ...],
    train: TrainSettings,
    dtype: Dtype,
    sizes: Mapping[str, int],
    freeze: frozenset[str] = frozenset(),
    threshold: float | None = None,
) -> tuple[Network | None, list[Diagnostic]]:
    """The model lowered for training, evaluation and prediction; None with the errors where there are any.

    freeze: labels whose weights are not trained; threshold: above which one unit says the second label
    """
    training = lower(model, top, ports, train, "training", dtype, sizes, freeze, threshold)
    while training.build.same_tables and not training.build.diagnostics:
        merged, wrong = _one_vocabulary(ports, training.build.same_tables[0])
        if wrong is not None:
            return None, [wrong]
        ports = merged
        training = lower(model, top, ports, train, "training", dtype, sizes, freeze, threshold)
    if training.graph is None:
        return None, training.build.diagnostics
    of_stateful = stateful.refusals(training.build, ports)
    if of_stateful:
        return None, of_stateful
    ports = stateful.marked(training.build, ports)
    too_large = _too_large(training.build)
    if too_large is not None:
        return None, [too_large]
    against = {h.port.name: head.against for h, head in training.word_heads()}
    ports = tuple(
        replace(p, views=tuple(training.build.views.get(p.name, ())), against=against.get(p.name)) for p in ports
    )
    others = [
        lower(model, top, ports, train, mode, dtype, sizes, freeze, threshold) for mode in ("evaluation", "prediction")
    ]
    evaluation, prediction = (o.graph for o in others)
    if evaluation is None or prediction is None:
        return None, [d for o in others for d in o.build.diagnostics]
    looking = [*decoding.refusals(prediction, ports), *following.refusals(prediction, ports, others[1].build.used_by)]
    if looking:
        return None, looking
    return (
        Network(
            model.name.id,
            tuple(p for p in ports if not p.output),
            tuple(p for p in ports if p.output),
            training.heads,
            tuple(training.build.parameters.values()),
            tuple(training.build.rows),
            {label: tuple(paths) for label, paths in training.build.labels.items()},
            training.graph,
            evaluation,
            prediction,
            stateful.carried(training.build),
            training.build.rounds,
        ),
        [],
    )


def _one_vocabulary(ports: tuple[Port, ...], same: SameTable) -> tuple[tuple[Port, ...], Diagnostic | None]:
    """The ports with the second's vocabulary joined to the first's: their ids look up the same table."""
    words = {p.name: word_of(p.sort) for p in ports}
    of = {p.name: vocabulary_word(p.sort) for p in ports}
    first, second = base(same.first), base(same.second)
    if of[first] != of[second] or same.first.removeprefix(first) != same.second.removeprefix(second):
        kinds = [f"{o} is {words.get(o, 'n-grams')}" for o in (same.first, same.second)]
        message = f"{kinds[0]} and {kinds[1]}: they cannot share one table"
        return ports, Diagnostic("NN307", message, same.span, help="give each an embed of its own")
    merged = tuple(
        replace(p, sort=replace(p.sort, vocabulary=first))
        if isinstance(p.sort, Tokens | Category) and owner(p) == second
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
