"""Weights written out: W = param[size, dim(x)], and W @ x."""

from __future__ import annotations

from compiler.build import Stop, Use
from compiler.experiment import Init, LayerRow
from compiler.ir.graph import Node
from compiler.ir.types import Dim, Extent, is_rows
from compiler.layers.activation import numbers
from compiler.layers.recurrent import PARAM, dropped, in_cell, start_of
from compiler.lower.constants import constant_value, settings_of
from compiler.lower.operands import Wanted, operands
from compiler.lower.ties import tied_weights
from compiler.lower.walk import Walk
from compiler.ops.product import MatMul
from compiler.ops.shape import Broadcast, Transpose
from compiler.scope import LabelBinding, Scope
from compiler.values import Bundle, Failed, Value, show_dims, what
from dsl import ast


def parameter(walk: Walk, layer: ast.Layer, scope: Scope, current: Value | None, piped: Value | None) -> Node:
    """param[n, m], param[n]: in a cell named after its line and starting as the cell's weights do, else from 0."""
    build = walk.build
    if not isinstance(layer.callee, ast.Sized) or len(layer.callee.sizes) > 2:
        build.fail("NN560", "param needs one size or two", layer.callee.span, help="write param[size, dim(x)]")
    operands(walk, layer, Wanted("param", ()), scope, current, piped)
    settings = settings_of(walk, PARAM.signature, layer.arguments, layer.callee.span, scope)
    shape = tuple(_size(walk, size, scope) for size in layer.callee.sizes)
    label, cell = layer.label, build.cell
    if label is not None and cell is not None:
        help = "name the line instead: W = param[...]"
        build.fail("NN308", "param needs no label: its line has a name", label.span, help=help)
    if label is not None:
        walk.free(label, scope)
    tied = tied_weights(walk, layer, settings, scope)
    path = walk.namespace.name(label.id if label is not None else "param") if cell is None else walk.namespace.itself()
    held = label is not None and build.labelled(label.id, path + ".")
    frozen = walk.frozen or held or settings.get("frozen") is True
    use = Use(build, "param", layer.span, settings, path, frozen=frozen, tied=tied, place=layer.callee.span)
    before = len(build.parameters)
    weight = _tied(use, tied, shape) if tied is not None else None
    if weight is None:
        init = Init("zeros", None, shape[-1], shape[0]) if cell is None else start_of(use, shape[-1], shape[0])
        weight = in_cell(use).weight("weight", shape, init)
    if cell is None:
        own = tuple(build.parameters.values())[before:]
        build.rows.append(LayerRow(layer.span, layer.span.snippet, walk.level, (weight.type,), own, ()))
    if label is not None:
        scope.names[label.id] = LabelBinding({"weight": weight}, {}, layer.span, weight, scope.repeated)
    return weight


def _size(walk: Walk, size: ast.Expression, scope: Scope) -> Dim:
    found = constant_value(walk, size, scope)
    if isinstance(found, bool) or not isinstance(found, int | Extent) or (isinstance(found, int) and found < 1):
        walk.build.fail(
            "NN403", f"{size.span.snippet} is no size", size.span, help="a size is a whole number from 1 on"
        )
    return found


def _tied(use: Use, tied: dict[str, Node], shape: tuple[Dim, ...]) -> Node | None:
    """The tied weight turned round, where it fits so alone."""
    other = tied.get("weight")
    turned = other is not None and other.type.shape != shape and other.type.shape == shape[::-1]
    return use.op(Transpose((1, 0)), other) if turned and other is not None else None


def for_each_example(walk: Walk, value: Node | Bundle, layer: ast.Layer) -> Node | Bundle:
    """A vector of weights as a value [B, n], the same for every example; what else there is stays as it is."""
    if isinstance(value, Bundle) or value.type.rank != 1 or value.type.dtype == "i64" or is_rows(value.type.shape[0]):
        return value
    return walk.build.op(Broadcast((walk.rows, *value.type.shape)), value, span=layer.span)


def times(walk: Walk, step: ast.Binary, left: Value | float, right: Value | float) -> Node:
    """W @ x: a matrix of weights [n, m] and a value [*S, m] -> [*S, n]"""
    if isinstance(left, Failed) or isinstance(right, Failed):
        raise Stop
    use = walk.plain_use("@", step.span)
    if not isinstance(left, Node) or left.type.rank != 2 or is_rows(left.type.shape[0]):
        use.fail("NN551", "@ needs a matrix of weights on its left", help="W = param[size, dim(x)], then W @ x")
    if not isinstance(right, Node):
        shown = what(right) if isinstance(right, Bundle) else "a number"
        use.fail("NN551", f"@ needs a value on its right, but gets {shown}", help="a number is multiplied with *")
    numbers(use, right)
    x = walk.build.finite(right, step.span)
    if x.type.shape[-1] != left.type.shape[1]:
        message = f"the matrix {show_dims(left.type.shape)} does not fit {what(x)}"
        use.fail("NN551", message, help="its second size is the value's width: param[size, dim(x)]", about=right)
    return use.op(MatMul(transposed=True), dropped(use, x), left)
