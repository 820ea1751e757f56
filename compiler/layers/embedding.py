"""Ids into numbers: embed, onehot, bag."""

from __future__ import annotations

import math

from compiler.build import Use, is_ids, what
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.layers.word import FROZEN, INIT, SCALE, TIED, LayerWord
from compiler.ops.elementwise import Mul
from compiler.ops.lookup import Bag, Gather, OneHot
from compiler.signature import Setting, Signature


def _vocabulary(use: Use, ids: Node) -> Dim:
    if not is_ids(ids):
        use.fail(
            "NN202",
            f"{use.word} needs ids, of words, chars or a category, but gets {what(ids)}",
            "these are numbers already",
            help=f"leave {use.word} out, or feed it a text: text | {use.word}",
            about=ids,
        )
    return use.build.vocabularies[ids]


def _embed(use: Use, operands: tuple[Node, ...]) -> Node:
    """A row of a table for each id. [*S] -> [*S, size]; row 0, the padding, is zeros and stays so."""
    (ids,) = operands
    size = use.count("size")
    start = Init("normal", 1 / math.sqrt(size), size, size, padding_row=True)
    table = use.weight("weight", (_vocabulary(use, ids), size), start, use.build.owners.get(ids))
    x = use.op(Gather(), table, ids)
    if use.flag("scaled"):
        x = use.op(Mul(), x, use.build.number(math.sqrt(size)))
    return x


def _onehot(use: Use, operands: tuple[Node, ...]) -> Node:
    (ids,) = operands
    return use.op(OneHot(_vocabulary(use, ids), use.build.dtype), ids)


def _bag(use: Use, operands: tuple[Node, ...]) -> Node:
    (ids,) = operands
    size = _vocabulary(use, ids)
    if ids.type.rank != 2:
        use.fail("NN204", f"{use.word} needs a text, but gets {what(ids)}", about=ids)
    return use.op(Bag(size, use.build.dtype), ids)


EMBED = LayerWord(
    Signature(
        "embed",
        "a vector for each id, out of a table that is learned",
        (
            Setting("size", "count", "how wide the vectors are", required=True, low=1),
            Setting("scaled", "flag", "times the square root of size"),
            INIT,
            SCALE,
            FROZEN,
            TIED,
        ),
        ("size",),
        later=("vectors",),
    ),
    _embed,
    weights=True,
)
ONEHOT = LayerWord(Signature("onehot", "1 at the id and 0 elsewhere, as wide as the vocabulary"), _onehot)
BAG = LayerWord(Signature("bag", "how often each id occurs in the text, as wide as the vocabulary"), _bag)
LAYERS = (EMBED, ONEHOT, BAG)
