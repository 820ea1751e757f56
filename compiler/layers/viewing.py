"""Views of a text's tokens as inputs of the graph."""

from __future__ import annotations

from compiler.build import Origin, Use
from compiler.ir.graph import Input, Node
from compiler.ir.types import Type, bind, sequence_symbol, symbol
from compiler.values import what
from compiler.views import Apart, Ngrams, Sentence, View, is_view


def ngrams(use: Use, ids: Node, view: Ngrams) -> Node:
    """The ids of n-grams in the place of the tokens': i64[B, T]."""
    port = _text_of(use, ids, "n= needs")
    build = use.build
    node = build.input(view.of(port), ids.type, "data")
    owner = view.of(build.owners[ids])
    build.vocabularies[node] = bind(symbol(f"V.{owner}"), build.sizes)
    build.owners[node] = owner
    _asked(use, port, view)
    return node


def spelled(use: Use, ids: Node, view: Apart) -> tuple[Node, Node]:
    """The characters of the different words of the batch, or the words of its different sentences, i64[W, K], and which
    of them stands where, i64[B, T].

    Word 0 is none: it stands in the padding. The others are in use, or there so that few programs are compiled.
    """
    port = _text_of(use, ids, "needs")
    build = use.build
    words, letters = map(symbol, view.symbols(sequence_symbol(ids.type.shape[1])))
    where = build.input(view.of(port), ids.type, "data")
    node = build.input(view.letters(port), Type("i64", (words, letters)).with_pad("zero"), "data")
    build.lengths(letters)
    owner = view.of(build.owners[ids])
    build.vocabularies[node] = bind(symbol(f"V.{owner}"), build.sizes)
    build.owners[node] = owner
    of = "sentence" if isinstance(view, Sentence) else "word"
    build.origins[node] = Origin(use.span, f"the {view.unit}s of each {of} are {what(node)}", use.word)
    _asked(use, port, view)
    return node, where


def _text_of(use: Use, ids: Node, needs: str) -> str:
    """The input whose tokens these are, as they came."""
    if not isinstance(ids.op, Input) or ids not in use.build.owners or ids.type.rank != 2 or is_view(ids.op.name):
        use.fail("NN204", f"{use.word} {needs} the tokens of a text, but gets {what(ids)}", about=ids)
    if ids.op.name in use.build.documents and use.word != "each":
        message = f"{use.word} {needs} the tokens of a text, but {ids.op.name} is sentences"
        use.fail("NN548", message, help=f"each {{ {use.word} ... }} works on the words of each sentence", about=ids)
    return ids.op.name


def _asked(use: Use, port: str, view: View) -> None:
    use.build.views.setdefault(port, {})[view] = None
