"""Weights written out, in cells: W = param[size, dim(x)], and W @ x."""

from __future__ import annotations

from compiler.build import Bundle, Failed, Stop, Use, Value, show_dims, what
from compiler.ir.graph import Node
from compiler.ir.types import BATCH, Dim, Extent
from compiler.layers.activation import numbers
from compiler.layers.recurrent import PARAM, dropped, in_cell, start_of
from compiler.lower.constants import constant_value, settings_of
from compiler.lower.walk import Walk
from compiler.ops.product import MatMul
from compiler.scope import Scope
from compiler.signature import LATER_HELP, LATER_LABEL
from dsl import ast


def parameter(walk: Walk, layer: ast.Layer, scope: Scope) -> Node:
    """param[n, m], param[n]"""
    build = walk.build
    if build.cell is None:
        build.fail("NN350", "param is not there yet outside of a cell", layer.callee.span, LATER_LABEL, help=LATER_HELP)
    if not isinstance(layer.callee, ast.Sized) or len(layer.callee.sizes) > 2:
        build.fail("NN560", "param needs one size or two", layer.callee.span, help="write param[size, dim(x)]")
    settings = settings_of(walk, PARAM.signature, layer.arguments, layer.callee.span, scope)
    shape: list[Dim] = []
    for size in layer.callee.sizes:
        found = constant_value(walk, size, scope)
        if isinstance(found, bool) or not isinstance(found, int | Extent) or (isinstance(found, int) and found < 1):
            help = "a size is a whole number from 1 on"
            build.fail("NN403", f"{size.span.snippet} is no size", size.span, help=help)
        shape.append(found)
    if layer.label is not None:
        help = "name the line instead: W = param[...]"
        build.fail("NN308", "param needs no label: its line has a name", layer.label.span, help=help)
    frozen = walk.frozen or settings.get("frozen") is True
    use = Use(build, "param", layer.span, settings, walk.namespace.itself(), frozen=frozen, place=layer.callee.span)
    return in_cell(use).weight("weight", tuple(shape), start_of(use, shape[-1], shape[0]))


def times(walk: Walk, step: ast.Binary, left: Value | float, right: Value | float) -> Node:
    """W @ x: a matrix of weights [n, m] and a value [*S, m] -> [*S, n]"""
    if isinstance(left, Failed) or isinstance(right, Failed):
        raise Stop
    use = walk.plain_use("@", step.span)
    if not isinstance(left, Node) or left.type.rank != 2 or left.type.shape[0] == BATCH:
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
