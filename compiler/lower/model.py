"""A whole model into the graph of a mode: inputs, body, outputs, losses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from compiler.build import Build, Mode, Origin, Stop, TooLarge, WordHead
from compiler.experiment import Head
from compiler.ir.graph import Graph, Node, Output
from compiler.ir.types import BATCH, Dim, Dtype, Type, bind, symbol
from compiler.lower import decoding, statements, structures
from compiler.lower.heads import head_of, results_of, total_loss
from compiler.lower.picked import picked
from compiler.lower.unused import refuse_heads_of_no_output, refuse_unused
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
    sequence_symbol_of,
    vocabulary_symbol_of,
)
from compiler.values import Value, what
from dsl import ast

NO_TARGET = 0
"""Units of a head for an output that has none."""


@dataclass(frozen=True)
class Source:
    """A model, and what decides beside it how it is lowered: the same in every mode.

    top: the names of the file; ports: the inputs, then the outputs
    sizes: of vocabularies and label sets, by symbol, as far as they are known
    freeze: labels whose weights are not trained; threshold: above which one unit says the second label
    """

    model: ast.Model
    top: Scope
    ports: tuple[Port, ...]
    train: TrainSettings
    dtype: Dtype
    sizes: Mapping[str, int]
    freeze: frozenset[str] = frozenset()
    threshold: float | None = None

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(p for p in self.ports if not p.output)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(p for p in self.ports if p.output)


@dataclass(frozen=True)
class Lowered:
    """One mode's graph, with what the network needs of it.

    graph: None where there were errors, which the build holds; values: of each head the scores
    """

    build: Build
    walk: Walk
    graph: Graph | None
    heads: tuple[Head, ...] = ()
    values: tuple[Node, ...] = ()

    def word_heads(self) -> list[tuple[Head, WordHead]]:
        known = self.build.word_heads
        return [(h, known[v]) for h, v in zip(self.heads, self.values, strict=True) if v in known]


def lower(source: Source, mode: Mode) -> Lowered:
    """The model in one mode."""
    walk = _walk(source, mode)
    build, scope = walk.build, Scope(source.top)
    for port in source.inputs:
        scope.names[port.name] = ValueBinding(_input(build, port, source), port.span)
    last = _last_value(walk, source, scope)
    if build.diagnostics:
        return Lowered(build, walk, None)
    read = _heads(walk, source, scope, last)
    heads, values = tuple(head for head, _ in read), tuple(scores for _, scores in read)
    outputs = _results(walk, source, read, mode)
    if build.diagnostics or len(heads) < len(walk.units):
        return Lowered(build, walk, None)
    if mode == "training":
        outputs = total_loss(walk, outputs, source.train)
        refuse_unused(walk, source.inputs, values)
        refuse_heads_of_no_output(walk, values)
        outputs += [Output(f"{name}'", node, name) for name, node in build.updates.items()]
    outputs += [Output(f"{name}'", last) for name, (last, _) in build.carried.items()]
    if build.diagnostics:
        return Lowered(build, walk, None, heads, values)
    graph = Graph((*build.inputs.values(), *build.weights.values()), tuple(outputs))
    return Lowered(build, walk, graph, heads, values)


def _walk(source: Source, mode: Mode) -> Walk:
    """What is known of a model before its first line."""
    ports, sizes = source.ports, source.sizes
    # Of a text that is written the end, or the begin, is one more.
    longest = {
        sequence_symbol_of(p, ports): p.sort.max + is_written(p)
        for p in ports
        if isinstance(p.sort, Tokens) and p.sort.max
    }
    build = Build(mode, source.dtype, sizes, longest, freeze=source.freeze)
    build.pixels = any(isinstance(p.sort, Pixels) for p in ports)
    build.documents = {p.name: p.sort.sentence for p in ports if isinstance(p.sort, Document)}
    units: dict[str, Dim] = {p.name: _units(p, ports, sizes) for p in source.outputs}
    classes = {p.name: not isinstance(p.sort, NUMBERS) for p in source.outputs}
    marked = frozenset(p.name for p in ports if isinstance(p.sort, Tokens) and p.sort.marks)
    walk = Walk(build, source.top, units, classes, marked, threshold=source.threshold)
    walk.written.update({p.name: decoding.fed(build, p, ports, sizes) for p in ports if is_written(p)})
    return walk


def _last_value(walk: Walk, source: Source, scope: Scope) -> Value | None:
    """The last line's value, which a single output may be; None where there is none. Names go into the scope."""
    inputs = source.inputs
    only = scope.names[inputs[0].name] if len(inputs) == 1 else None
    current = only.value if isinstance(only, ValueBinding) else None
    try:
        for port in inputs:
            walk.free(ast.Name(port.name, span=port.span), source.top)
        last = statements.body(walk, source.model.body, scope, current)
    except (Stop, TooLarge):
        return None
    # A body that only declares has no value, though nothing in it is wrong.
    only_declares = all(map(structures.structures_only, source.model.body.statements))
    return None if only_declares and current is None else last


def _heads(walk: Walk, source: Source, scope: Scope, last: Value | None) -> list[tuple[Head, Node]]:
    """Each output's head and scores; an output that is wrong is reported, and left out."""
    found: list[tuple[Head, Node]] = []
    for port in source.outputs:
        if is_written(port) and port.name not in walk.decoded:
            walk.build.report(decoding.no_decode(port))
            continue
        with suppress(Stop):
            found.append(head_of(walk, port, scope, last, source.train))
    return found


def _results(walk: Walk, source: Source, read: list[tuple[Head, Node]], mode: Mode) -> list[Output]:
    """What the graph gives of each output; what is wrong is reported."""
    found: list[Output] = []
    values = [scores for _, scores in read]
    for head, scores in read:
        with suppress(Stop):
            asked = _asked(walk, head, scores, values) if isinstance(head.port.sort, Masked) else scores
            found += results_of(walk, head, asked, mode, source.train)
    return found


def _units(port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Dim:
    if isinstance(port.sort, NUMBERS):
        return port.sort.width
    if isinstance(port.sort, Penalty):
        return NO_TARGET
    if isinstance(port.sort, Follows):
        return 2
    return bind(symbol(classes_symbol_of(port, ports)), sizes)


def _input(build: Build, port: Port, source: Source) -> Node:
    match port.sort:
        case Tokens() | Category():
            node = _ids(build, port, source.ports, source.sizes)
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
    if isinstance(port.sort, Tokens) and port.sort.unit == "bag":
        build.bags[sequence_symbol_of(port, ports)] = port.name
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
