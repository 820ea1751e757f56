"""Views of a text's tokens as inputs of the graph."""

from __future__ import annotations

from compiler.build import Use, what
from compiler.ir.graph import Input, Node
from compiler.ir.types import bind, symbol
from compiler.views import Ngrams, View


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


def _text_of(use: Use, ids: Node, needs: str) -> str:
    """The input whose tokens these are, as they came."""
    if not isinstance(ids.op, Input) or ids not in use.build.owners or ids.type.rank != 2:
        use.fail("NN204", f"{use.word} {needs} the tokens of a text, but gets {what(ids)}", about=ids)
    return ids.op.name


def _asked(use: Use, port: str, view: View) -> None:
    use.build.views.setdefault(port, {})[view] = None
