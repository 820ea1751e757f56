"""`spelling { ... }`: a network over the characters of each word, inside the one over its words."""

from __future__ import annotations

from compiler.build import Origin, Stop
from compiler.ir.graph import Node
from compiler.layers.viewing import spelled
from compiler.lower import structures
from compiler.lower.constants import settings_of
from compiler.lower.walk import Walk
from compiler.ops.lookup import Gather
from compiler.scope import LabelBinding, Scope
from compiler.signature import Setting, Signature
from compiler.values import Bundle, Failed, Value, is_ids, shape_of, what
from compiler.views import Spelling
from dsl import ast

SPELLING = Signature(
    "spelling",
    "the characters of each word through layers that end in one vector",
    (
        Setting("max", "count", "characters of a word; what is past them is cut", Spelling.max, low=1, high=10_000),
        Setting("min", "count", "how often a character must be seen in different words to have an id", 1, low=1),
        Setting("marks", "flag", "begin and end are put around each word"),
    ),
)


def spelling(walk: Walk, layer: ast.Layer, braces: ast.Body, scope: Scope, x: Value) -> Node:
    """The body over the characters of each word, each different word of the batch once: ids [B, T] -> [B, T, d]."""
    if isinstance(x, Failed):
        raise Stop
    use = walk.plain_use("spelling", layer.callee.span)
    if isinstance(x, Bundle) or walk.build.cell is not None:
        found = what(x) if isinstance(x, Bundle) else "a cell's"
        use.fail("NN204", f"spelling needs the tokens of a text, but gets {found}")
    settings = settings_of(walk, SPELLING, layer.arguments, layer.callee.span, scope)
    most, least = settings["max"], settings["min"]
    assert isinstance(most, int)
    assert isinstance(least, int)
    letters, where = spelled(use, x, Spelling(most, least, settings["marks"] is True))
    label = layer.label.id if layer.label is not None else None
    if layer.label is not None:
        walk.free(layer.label, scope)
    namespace = walk.namespace.child(label or "spelling")
    outside, walk.rows = walk.rows, letters.type.shape[0]
    try:
        with walk.below(namespace, label):
            value = structures.inside(walk, braces, Scope(scope), letters)
    finally:
        walk.rows = outside
    if isinstance(value, Bundle) or value.type.rank != 2 or is_ids(value):
        message = f"spelling needs one vector for each word, but its layers end in {what(value)}"
        notes = () if isinstance(value, Bundle) else walk.build.origin(value)
        help = "end with one that pools the characters: last, maxpool, mean"
        walk.build.fail("NN203", message, layer.callee.span, help=help, notes=notes)
    result = walk.build.op(Gather(computed=True), value, where, span=layer.span)
    walk.build.origins[result] = Origin(layer.span, f"this makes {shape_of(result)} of {shape_of(x)}", "spelling")
    if label is not None:
        scope.names[label] = LabelBinding(walk.weights_below(namespace), {}, layer.span, result, scope.repeated)
    return result
