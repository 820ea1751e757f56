"""Uses of cells: their equations become the body of a loop over the positions."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from compiler.build import Namespace, Origin, Use
from compiler.experiment import LayerRow
from compiler.ir.graph import Input, Node, sorted_nodes
from compiler.layers.activation import numbers
from compiler.layers.convolution import ordered, sequence
from compiler.layers.recurrent import in_steps
from compiler.lower.cell_loops import CellLoops
from compiler.lower.cell_words import deciding, of_every_cell, signature_of
from compiler.lower.constants import settings_of
from compiler.lower.matrices import for_each_example
from compiler.lower.operands import Wanted, by_name
from compiler.lower.ties import tied_cell
from compiler.lower.walk import Walk
from compiler.scope import BlockBinding, LabelBinding, Scope, UsedCell
from compiler.values import Bundle, Value, shape_of, types_of, what
from dsl import ast
from dsl.errors import Note


def use_cell(
    walk: Walk, layer: ast.Layer, binding: BlockBinding, scope: Scope, current: Value | None, piped: Value | None
) -> Value:
    """The states of a cell after each position, the first one's: [B, T, size], of both directions side by side."""
    cell, build = binding.block, walk.build
    assert isinstance(cell, ast.Cell)
    name = cell.name.id
    if name in walk.running:
        note = Note(cell.name.span, "declared here")
        build.fail("NN507", f"{name} uses itself", layer.callee.span, notes=(note,), help="a cell may use blocks")
    if layer.body is not None:
        build.fail("NN408", f"{name} takes no layers between braces", layer.body.span)
    settings = settings_of(walk, signature_of(cell), layer.arguments, layer.callee.span, scope)
    states = tuple(s.name.id for s in cell.states)
    wanted = Wanted(name, tuple(o.name.id for o in cell.operands), named=states)
    found = by_name(walk, layer, wanted, scope, current, piped)
    given = {n: for_each_example(walk, value, layer) for n, value in found.items()}
    if layer.label is not None:
        walk.free(layer.label, scope)
    label = layer.label.id if layer.label is not None else None
    every = of_every_cell(cell, settings)
    use = Use(build, name, layer.span, every, "", place=layer.callee.span)
    rows, made, before = len(build.rows), len(build.fresh), len(build.parameters)
    values = _values(use, cell, given)
    if build.cell is not None and any(map(in_steps, values.values())):
        message = f"{name} would go along all its positions again in every step of the cell around it"
        help = f"give {name} what is the same in all steps, or put it on a line before the cell"
        use.fail("NN561", message, help=help)
    widths = tuple(values[o.name.id].type.shape[-1] for o in cell.operands)
    used = UsedCell(name, cell.name.span, "", deciding(cell, settings), widths)
    tied = tied_cell(walk, layer, every, scope, used)
    namespace = Namespace(walk.namespace.name(label or name) + "." if tied is None else tied.path)
    with _inside(walk, layer, name), walk.deeper(layer.span), walk.below(namespace, label, frozen=use.flag("frozen")):
        run = CellLoops(walk, use, cell, binding.scope, values, settings)
        result = run.result(namespace)
    del build.rows[rows:], build.fresh[made:]
    _tell(walk, layer, given, result, before)
    build.origins[result] = Origin(layer.span, f"this makes {shape_of(result)} of {shape_of(run.values[0])}", name)
    if label is not None:
        parts: dict[str, Value] = dict(run.last_states())
        weights = walk.weights_below(namespace)
        used = replace(used, path=namespace.path)
        scope.names[label] = LabelBinding(weights, parts, layer.span, result, scope.repeated, used)
    return result


@contextmanager
def _inside(walk: Walk, layer: ast.Layer, name: str) -> Generator[None]:
    """While the equations of a cell are lowered; those of a cell around it are none of theirs."""
    build = walk.build
    outside, build.cell = build.cell, None
    walk.running.append(name)
    build.within.append(Note(layer.callee.span, f"in this use of {name}"))
    try:
        yield
    finally:
        build.within.pop()
        walk.running.pop()
        build.cell = outside


def _tell(walk: Walk, layer: ast.Layer, given: Mapping[str, Node | Bundle], result: Node, before: int) -> None:
    """The use of a cell as one row of the table of layers. before: how many weights there were"""
    build = walk.build
    own = tuple(islice(reversed(build.parameters.values()), len(build.parameters) - before))[::-1]
    # What feeds it is not gone through: of a thousand cells in a row that would be each of those before, each time.
    fed = {n for n in given.values() if isinstance(n, Node)}
    below = sorted_nodes([result], leaf=fed.__contains__)
    nodes = tuple(n for n in below if n not in fed and not isinstance(n.op, Input))
    build.fresh += nodes
    build.rows.append(LayerRow(layer.span, layer.span.snippet, walk.level, types_of(result), own, nodes))


def _values(use: Use, cell: ast.Cell, given: dict[str, Node | Bundle]) -> dict[str, Node]:
    """The operands and first states; refuses what no loop could run over."""
    found: dict[str, Node] = {}
    for name, value in given.items():
        if isinstance(value, Bundle):
            use.fail("NN205", f"{use.word} cannot take {what(value)}", help="pool it first, with maxpool for example")
        numbers(use, value)
        found[name] = use.build.finite(value, use.span)
    first = next(iter(found.values()))
    for i, operand in enumerate(cell.operands):
        value = found[operand.name.id]
        if i > 0 and operand.mark is None:
            continue
        sequence(use, value)
        ordered(use, value)
        if value.type.shape[1] != first.type.shape[1]:
            message = f"{use.word} goes along {shape_of(first)} and {shape_of(value)}: the positions differ"
            use.fail("NN212", message, help="take both from one input, with no change of length on the way")
    return found
