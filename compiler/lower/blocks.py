"""Uses of blocks: each with weights of its own, its operands and settings under the names of its heading."""

from __future__ import annotations

from compiler.build import Namespace
from compiler.lower import structures
from compiler.lower.constants import constant_of, settings_of
from compiler.lower.operands import Wanted, operands
from compiler.lower.walk import Walk
from compiler.scope import BlockBinding, ConstantBinding, LabelBinding, Scope, ValueBinding
from compiler.signature import Setting, Signature
from compiler.values import Value
from dsl import ast
from dsl.errors import Note

FROZEN = Setting("frozen", "flag", "none of its weights is trained")


def use_block(
    walk: Walk, layer: ast.Layer, binding: BlockBinding, scope: Scope, current: Value | None, piped: Value | None
) -> Value:
    """The block's body on its operands."""
    block = binding.block
    assert isinstance(block, ast.Block)
    name = block.name.id
    if name in walk.running:
        note = Note(block.name.span, "declared here")
        walk.build.fail("NN507", f"{name} uses itself", layer.callee.span, notes=(note,), help="use repeat for a stack")
    if layer.body is not None:
        walk.build.fail("NN408", f"{name} takes no layers between braces", layer.body.span)
    settings = settings_of(walk, signature_of(block), layer.arguments, layer.callee.span, scope)
    formals = tuple(o.id for o in block.operands) if block.operands is not None else ("x",)
    values = operands(walk, layer, Wanted(name, formals), scope, current, piped)
    if layer.label is not None:
        walk.free(layer.label, scope)
    inner = Scope(binding.scope)
    if block.operands is not None:
        for operand, found in zip(block.operands, values, strict=True):
            inner.names[operand.id] = ValueBinding(found, operand.span)
    label = layer.label.id if layer.label is not None else None
    namespace = Namespace(walk.namespace.name(label or name) + ".")
    frozen = settings.get("frozen") is True
    walk.running.append(name)
    walk.build.within.append(Note(layer.callee.span, f"in this use of {name}"))
    rows, nodes = len(walk.build.rows), walk.build.made
    try:
        with walk.deeper(layer.span), walk.below(namespace, label, frozen=frozen):
            for formal in block.formals:
                value = constant_of(walk, formal, settings[formal.name.id], inner)
                inner.names[formal.name.id] = ConstantBinding(value, formal.name.span)
            result = structures.inside(walk, block.body, inner, values[0])
    finally:
        walk.build.within.pop()
        walk.running.pop()
    walk.row(rows, nodes, layer.span, layer.span.snippet, result, heading=True)
    if label is not None:
        parts = {n: b.value for n, b in inner.names.items() if isinstance(b, ValueBinding) and n not in formals}
        scope.names[label] = LabelBinding(walk.weights_below(namespace), parts, layer.span, result, scope.repeated)
    return result


def signature_of(block: ast.Block) -> Signature:
    """A block's settings: without a default by position or name, with one by name only."""
    settings = [
        Setting(f.name.id, "constant", "a setting of the block", required=f.default is None) for f in block.formals
    ]
    positional = tuple(f.name.id for f in block.formals if f.default is None)
    own = any(s.name == "frozen" for s in settings)
    return Signature(block.name.id, "a block", (*settings, *(() if own else (FROZEN,))), positional)
