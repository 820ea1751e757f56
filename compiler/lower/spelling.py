"""`spelling { ... }`: a network over the characters of each word, inside the one over its words. `each { ... }`: one
over the words of each sentence, inside the one over its sentences."""

from __future__ import annotations

from compiler.build import Origin, Stop
from compiler.ir.graph import Input, Node
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
    help = "end with one that pools the characters: last, maxpool, mean"
    return _apart(walk, layer, braces, scope, x, letters, where, ("spelling", "word", help))


def each(walk: Walk, layer: ast.Layer, braces: ast.Body, scope: Scope, x: Value) -> Node:
    """The body over the words of each sentence, each different one of the batch once: [B, T] -> [B, T, d]."""
    if isinstance(x, Failed):
        raise Stop
    use = walk.plain_use("each", layer.callee.span)
    document = None if isinstance(x, Bundle) or not isinstance(x.op, Input) else walk.build.documents.get(x.op.name)
    if isinstance(x, Bundle) or document is None:
        help = "a document is an input of the sort sentences; at each position dense and others work by themselves"
        use.fail("NN548", f"each needs the sentences of a document, but gets {what(x)}", help=help)
    if layer.arguments:
        help = "what is said of words stands at the sort: sentences(min=2)"
        use.build.fail("NN401", "each takes no settings", layer.arguments[0].span, help=help)
    letters, where = spelled(use, x, document)
    help = "end with one that pools the words: last, maxpool, mean, weighted"
    return _apart(walk, layer, braces, scope, x, letters, where, ("each", "sentence", help))


def _apart(
    walk: Walk,
    layer: ast.Layer,
    braces: ast.Body,
    scope: Scope,
    x: Node,
    letters: Node,
    where: Node,
    said: tuple[str, str, str],
) -> Node:
    """The body over letters [W, K], whose vectors [W, d] stand where it is said, [B, T].

    said: the word of the structure, what a row is called, and help for a body that ends in something else
    """
    word, row, help = said
    label = layer.label.id if layer.label is not None else None
    if layer.label is not None:
        walk.free(layer.label, scope)
    namespace = walk.namespace.child(label or word)
    outside, walk.rows = walk.rows, letters.type.shape[0]
    walk.apart = word, row, "words" if word == "spelling" else "document"
    try:
        with walk.below(namespace, label):
            value = structures.inside(walk, braces, Scope(scope), letters)
    finally:
        walk.rows = outside
    if isinstance(value, Bundle) or value.type.rank != 2 or is_ids(value):
        message = f"{word} needs one vector for each {row}, but its layers end in {what(value)}"
        notes = () if isinstance(value, Bundle) else walk.build.origin(value)
        walk.build.fail("NN203", message, layer.callee.span, help=help, notes=notes)
    result = walk.build.op(Gather(computed=True), value, where, span=layer.span)
    walk.build.origins[result] = Origin(layer.span, f"this makes {shape_of(result)} of {shape_of(x)}", word)
    if label is not None:
        scope.names[label] = LabelBinding(walk.weights_below(namespace), {}, layer.span, result, scope.repeated)
    return result
