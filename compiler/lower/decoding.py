"""`decode { ... }`: the layers that write a text, fed what has been written before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from compiler.build import Build, Origin
from compiler.ir.graph import Graph, Input, Node, sorted_nodes
from compiler.ir.types import BATCH, Type, bind, symbol
from compiler.lower import structures
from compiler.lower.walk import Walk
from compiler.ops.pointing import AddAtIds
from compiler.scope import LabelBinding, Scope
from compiler.sorts import Port, Tokens, fed_name, is_written, owner, sequence_symbol_of, vocabulary_symbol_of, word_of
from compiler.values import Value, what
from dsl import ast
from dsl.errors import Diagnostic, Note


def fed(build: Build, port: Port, ports: tuple[Port, ...], sizes: Mapping[str, int]) -> Node:
    """What decode is fed of a text, i64[B, T.NAME]: begin, then each token but the end, which is told last."""
    positions = symbol(sequence_symbol_of(port, ports))
    node = build.input(fed_name(port), Type("i64", (BATCH, positions)).with_pad("zero"), "data")
    build.lengths(positions)
    build.vocabularies[node] = bind(symbol(vocabulary_symbol_of(port, ports)), sizes)
    build.owners[node] = owner(port)
    build.origins[node] = Origin(port.span, f"decode is fed {what(node)}", port.name)
    return node


def decode(walk: Walk, layer: ast.Layer, scope: Scope, piped: Value | None, output: str | None) -> Value:
    """The body's value, a vector for each position of the text that it writes."""
    place = layer.callee.span

    def refuse(code: str, message: str, help: str, notes: tuple[Note, ...] = ()) -> NoReturn:
        walk.build.fail(code, message, place, help=help, notes=notes)

    if layer.body is None:
        walk.build.fail("NN408", "decode needs layers between braces", layer.span, help="write decode { ... }")
    if not isinstance(layer.callee, ast.Name) or piped is not None:
        help = "write decode { ... }: its layers see the names of the lines before"
        refuse("NN409", "decode is fed the text that it writes, and takes no other value", help)
    if layer.arguments:
        walk.build.fail("NN401", "decode takes no settings", layer.arguments[0].span)
    if walk.level or walk.running or walk.build.cell is not None:
        refuse("NN540", "decode stands among other layers", "put it on a line of the model itself")
    known = walk.written
    if not known:
        help = "an output that is a text has one: model NAME(source: words) -> target: words"
        refuse("NN540", "no output is a text that decode could write", help)
    name = output if output in known else next(iter(known)) if len(known) == 1 else None
    if name is None:
        help = f"name the line after the output: {next(iter(known))} = decode {{ ... }}"
        refuse("NN540", "which text this decode writes cannot be told", help)
    before = walk.decoded.get(name)
    if before is not None:
        refuse("NN540", f"{name} has a decode already", "leave one of them out", (Note(before, "the first one"),))
    walk.decoded[name] = place
    label = layer.label
    if label is not None:
        walk.free(label, scope)
    namespace = walk.namespace.child(label.id if label is not None else "decode")
    rows, nodes = len(walk.build.rows), walk.build.made
    outside, walk.output = walk.output, name
    try:
        with walk.deeper(layer.span), walk.below(namespace, label.id if label is not None else None):
            result = structures.inside(walk, layer.body, Scope(scope), known[name])
    finally:
        walk.output = outside
    walk.row(rows, nodes, layer.span, "decode", result, heading=True)
    if label is not None:
        weights = walk.weights_below(namespace)
        scope.names[label.id] = LabelBinding(weights, {}, label.span, result, scope.repeated)
    return result


def refusals(graph: Graph, ports: tuple[Port, ...]) -> list[Diagnostic]:
    """An error for each output that is made from a text which is not there yet when it is asked for.

    graph: for prediction
    """
    texts = {fed_name(p): p for p in ports if is_written(p)}
    found: list[Diagnostic] = []
    for port in (p for p in ports if p.output):
        root = next((o.node for o in graph.outputs if o.name == f"{port.name}.scores"), None)
        for node in sorted_nodes([root]) if root is not None and texts else ():
            text = texts.get(node.op.name) if isinstance(node.op, Input) else None
            if text is not None and text is not port:
                message = f"{port.name} is made from {text.name}, which is not known before it is written"
                help = f"make {port.name} from the inputs alone, outside of decode"
                found.append(Diagnostic("NN542", message, port.span, help=help))
    return found


def with_copies(graph: Graph, ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports, each text that a pointer alone writes with the input that it points at. graph: for prediction"""
    scores = {o.name.removesuffix(".scores"): o.node for o in graph.outputs}
    pointed: dict[str, str] = {}
    for port in filter(is_written, ports):
        match scores.get(port.name):
            case Node(op=AddAtIds(), inputs=(_, Node(op=Input(name=text)))):
                pointed[port.name] = text
            case _:
                pass
    return tuple(replace(p, copies=pointed.get(p.name)) for p in ports)


def endless(ports: tuple[Port, ...]) -> list[Diagnostic]:
    """An error for each text that no word of the input that it is copied from ends."""
    sorts = {p.name: p.sort for p in ports}
    found: list[Diagnostic] = []
    for port in (p for p in ports if p.copies is not None):
        sort = sorts[port.copies or ""]
        if isinstance(sort, Tokens) and not sort.marks:
            message = f"{port.name} is written with words of {port.copies} alone, and no end stands there"
            help = f"write {port.copies}: {word_of(sort)}(marks), which has one, or mix the pointer with dense softmax"
            found.append(Diagnostic("NN543", message, port.span, help=help))
    return found


def no_decode(port: Port) -> Diagnostic:
    message = f"{port.name} is {word_of(port.sort)}, a text, and nothing writes it"
    help = "a text is written token by token: decode { embed 100 ; lstm 100 ; dense softmax }"
    return Diagnostic("NN541", message, port.span, help=help)
