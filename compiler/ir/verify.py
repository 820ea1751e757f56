"""Checks what every stage relies on. A graph that fails is our mistake, never the user's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from compiler.ir.graph import Graph, Input, InputKind, Node, Output
from compiler.ir.text import show
from compiler.ir.types import Dim, Type, TypeRuleError, is_ragged, is_rows, positions, rows_of, sequence_symbol, symbol
from compiler.ops.attention import KeySoftmax
from compiler.ops.normal import PositionSoftmax
from compiler.ops.scan import Ended, Part, Scan
from compiler.ops.sequence import Lengths, Mask
from dsl.errors import InternalError


def verify(graph: Graph, spans: bool = False) -> None:
    """Every type follows from the inputs' by the op's rule; inputs and outputs are in order; nothing needs itself.

    spans: that every node knows its line of the spec, too

    Raises InternalError with the graph's text.
    """
    if _has_cycle(graph):
        raise InternalError("the graph has a cycle")
    problems = [*_of_inputs(graph), *_of_outputs(graph)]
    for node in graph.nodes():
        problems.extend(_of_node(node))
        if spans and node.span is None and not isinstance(node.op, Input):
            problems.append(f"a {type(node.op).__name__} has no line")
    if problems:
        raise InternalError("the graph is not valid:\n" + "".join(f"  {p}\n" for p in problems) + show(graph))


def _has_cycle(graph: Graph) -> bool:
    """Whether a node is below itself; only a frozen field written by force makes one."""
    open_nodes: set[Node] = set()
    done: set[Node] = set()
    for output in graph.outputs:
        stack = [(output.node, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                open_nodes.discard(node)
                done.add(node)
            elif node in open_nodes:
                return True
            elif node not in done:
                open_nodes.add(node)
                stack.append((node, True))
                stack.extend((n, False) for n in node.inputs)
    return False


def _of_inputs(graph: Graph) -> Iterator[str]:
    names: set[str] = set()
    for node in graph.inputs:
        if not isinstance(node.op, Input):
            yield f"the list of inputs holds a {type(node.op).__name__}"
            continue
        op = node.op
        if op.name in names:
            yield f"two inputs are named {op.name}"
        names.add(op.name)
        if op.kind not in get_args(InputKind):
            yield f"{op.name} is of no kind: {op.kind}"
        if op.kind == "lengths" and not _are_lengths(op.name, node.type):
            yield f"{op.name}: lengths are i64[B], named lengths.T"
        if op.kind == "number" and (any(map(is_rows, node.type.shape)) or node.type.ragged is not None):
            yield f"{op.name} is no number: {node.type}"
    listed = set(graph.inputs)
    for node in graph.nodes():
        if isinstance(node.op, Input) and node not in listed:
            yield f"the input {node.op.name} is not in the list"


def _are_lengths(name: str, type: Type) -> bool:
    word, _, of = name.partition(".")
    return word == "lengths" and is_ragged(symbol(of)) and type == Type("i64", (rows_of(symbol(of)),))


def _of_outputs(graph: Graph) -> Iterator[str]:
    inputs = {node.op.name: node for node in graph.inputs if isinstance(node.op, Input)}
    for names in ([o.name for o in graph.outputs], [o.update for o in graph.outputs if o.update is not None]):
        for name in {name for name in names if names.count(name) > 1}:
            yield f"{name} is given out twice"
    for output in graph.outputs:
        if output.update is not None:
            yield from _of_update(output, inputs.get(output.update))


def _of_update(output: Output, target: Node | None) -> Iterator[str]:
    if target is None or not isinstance(target.op, Input) or target.op.kind not in ("weight", "state"):
        yield f"{output.name} updates {output.update}, which is no weight or state"
    elif output.node.type != target.type:
        yield f"{output.update}: {target.type} is updated by {output.node.type}"


def _of_node(node: Node) -> Iterator[str]:
    try:
        inferred = node.op.infer(*(n.type for n in node.inputs))
    except (TypeRuleError, ValueError) as error:
        yield f"{node}: {error}"
        return
    if inferred != node.type:
        yield f"{node} has the rule's type {inferred}"
    if any(n.type.parts for n in node.inputs) and not isinstance(node.op, Part):
        yield f"{node} reads several values at once"
    if isinstance(node.op, Scan):
        yield from _of_body(node.op.body.graph)
    yield from _of_lengths(node)


def _of_body(body: Graph) -> Iterator[str]:
    if _has_cycle(body):
        yield "a body has a cycle"
        return
    yield from _of_inputs(body)
    yield from _of_outputs(body)
    if any(isinstance(n.op, Input) and n.op.kind != "inner" for n in body.inputs):
        yield "a body reads what is outside"
    for node in body.nodes():
        yield from _of_node(node)


def _of_lengths(node: Node) -> Iterator[str]:
    """Whether the lengths that a node reads are those that its type speaks of."""
    if not isinstance(node.op, Mask | Lengths | Ended | KeySoftmax | PositionSoftmax):
        return
    lengths = node.inputs[-1].op
    dim = _long(node)
    wanted = f"lengths.{sequence_symbol(dim)}"
    if not isinstance(lengths, Input) or lengths.name != wanted:
        yield f"{node} reads other lengths than {wanted}"


def _long(node: Node) -> Dim:
    """The dimension that the lengths are about."""
    match node.op:
        case Lengths(dim=dim) | Ended(dim=dim):
            return dim
        case KeySoftmax():
            return positions(node.type.shape[-1])
        case _:
            axis = node.type.ragged
            return node.type.shape[axis] if axis is not None else 0
