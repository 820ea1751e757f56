"""A graph's values one by one, each in memory of its own: slow, and what the emitted programs are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from compiler.ir.graph import Flat, Graph, Input, Node
from compiler.ir.types import Type, bound_shape, row_room, value_of
from compiler.ops.fused import Fused
from compiler.ops.reduction import Sum
from compiler.ops.scan import Part, Scan
from compiler.plan.calls import attributes
from runtime.backend import NUMPY_DTYPES, Array, Rows, Value
from runtime.kernels import KERNELS
from runtime.kernels.lookup import dense
from runtime.store import parted

POISON = {"f32": np.nan, "f64": np.nan, "i64": -(2**40), "bool": True}
"""What new memory holds here, so that reading it before it is written shows."""


def evaluate(graph: Graph, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[str, Array]:
    """The outputs by name, row-sparse ones written out, of vectors of weights each part under its own name.

    feeds: every input that an output needs, weights and all.
    """
    values = all_values(graph, feeds, sizes)
    found: dict[str, Array] = {}
    for output in graph.outputs:
        value = written_out(output.node.type, values[output.node], sizes)
        flat = graph.input(output.update).op if output.update is not None else None
        if isinstance(flat, Flat):
            behind = output.name.removeprefix(flat.name)
            found |= {name + behind: part for name, part in parted(flat, value).items()}
        else:
            found[output.name] = value
    return found


def all_values(graph: Graph, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[Node, Value]:
    """Every node that an output needs, with its value."""
    values: dict[Node, Value] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes():
            if isinstance(node.op, Flat):
                together = [np.ravel(feeds[part.name]) for part in node.op.parts]
                values[node] = np.concatenate(together, dtype=NUMPY_DTYPES[node.type.dtype], casting="unsafe")
            elif isinstance(node.op, Input):
                given = np.array(feeds[node.op.name], NUMPY_DTYPES[node.type.dtype])
                values[node] = given.reshape(bound_shape(node.type, sizes))
            else:
                values[node] = compute(node, [values[n] for n in node.inputs], sizes)
    return values


def compute(node: Node, operands: Sequence[Value], sizes: Mapping[str, int]) -> Value:
    """One node's value from its operands'. They stay as they are."""
    op = node.op
    if isinstance(op, Scan):
        return _positions(op, node, operands, sizes)
    if isinstance(op, Part):
        return operands[0][op.index]
    if isinstance(op, Fused):
        return _steps(op, node, operands, sizes)
    result = new_value(node.type, sizes)
    out = result
    if op.elementwise or isinstance(op, Sum):
        like = next((v for v in operands if isinstance(v, Rows)), None)
        operands = [v.values if isinstance(v, Rows) else v for v in operands]
        if isinstance(result, Rows):
            assert like is not None
            result.ids[...], result.count[...], out = like.ids, like.count, result.values
    scratch = [new_value(t, sizes) for t in op.scratch(*(n.type for n in node.inputs))]
    KERNELS[type(op)](np, out, *operands, *scratch, **attributes(node, sizes))
    return result


def _steps(op: Fused, node: Node, operands: Sequence[Value], sizes: Mapping[str, int]) -> Value:
    nodes, values = list(node.inputs), list(operands)
    for (step, indices), type_ in zip(op.steps, op.step_types(*(n.type for n in node.inputs)), strict=True):
        nodes.append(Node(step, tuple(nodes[i] for i in indices), type_, node.span))
        values.append(compute(nodes[-1], [values[i] for i in indices], sizes))
    return values[-1]


def _positions(op: Scan, node: Node, operands: Sequence[Value], sizes: Mapping[str, int]) -> Value:
    """The states after the last step, then what each step gives, stacked."""
    graph = op.body.graph
    ended = operands[-1] if op.ragged else None
    states, given = list(operands[: op.states]), operands[op.states : len(graph.inputs)]
    stacked = [new_value(t, sizes) for t in node.type.parts[op.states :]]
    length = value_of(op.length, sizes)
    for t in range(length)[::-1] if op.reverse else range(length):
        elements = [x[t] if i < op.sequences else x for i, x in enumerate(given)]
        values = dict(zip(graph.inputs, [*states, *elements], strict=True))
        for inner in graph.nodes():
            if inner not in values:
                values[inner] = compute(inner, [values[n] for n in inner.inputs], sizes)
        for i, output in enumerate(graph.outputs[: op.states]):
            new = values[output.node]
            states[i] = new if ended is None else np.where(ended[t].reshape(-1, *(1,) * (new.ndim - 1)), states[i], new)
        kept = {o.node: state for o, state in zip(graph.outputs, states, strict=False)}
        for place, output in zip(stacked, graph.outputs[op.states :], strict=True):
            place[t] = kept.get(output.node, values[output.node])
    return (*states, *stacked)


def new_value(type_: Type, sizes: Mapping[str, int]) -> Value:
    """Memory for a value, holding poison."""
    dtype, poison = NUMPY_DTYPES[type_.dtype], POISON[type_.dtype]
    if type_.rows is None:
        return np.full(bound_shape(type_, sizes), poison, dtype)
    n = row_room(type_, sizes)
    ids = np.full(n, POISON["i64"], np.int64)
    return Rows(ids, np.full((n, *bound_shape(type_, sizes)[1:]), poison, dtype), np.full(1, POISON["i64"], np.int64))


def written_out(type_: Type, value: Value, sizes: Mapping[str, int]) -> Array:
    """The value as an array, of all rows where it is row-sparse."""
    if not isinstance(value, Rows):
        return value
    table = np.empty(bound_shape(type_, sizes), value.values.dtype)
    dense(np, table, value)
    return table
