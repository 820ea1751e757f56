"""Ids into numbers: embed, onehot, bag."""

from __future__ import annotations

import math

from compiler.build import Use
from compiler.experiment import Init, Vectors
from compiler.ir.graph import Input, Node
from compiler.ir.types import Dim
from compiler.layers.viewing import ngrams
from compiler.layers.word import FROZEN, INIT, SCALE, TIED, LayerWord
from compiler.ops.elementwise import Mul
from compiler.ops.lookup import Bag, Gather, OneHot
from compiler.settings.data import OWN_FOLDER, path_refusal
from compiler.signature import Setting, Signature
from compiler.sorts import SEGMENTS
from compiler.values import is_ids, what
from compiler.views import Ngrams, is_view
from dsl.render import show


def _vocabulary(use: Use, ids: Node) -> Dim:
    if not is_ids(ids):
        use.fail(
            "NN202",
            f"{use.word} needs ids, of words, chars or a category, but gets {what(ids)}",
            "these are numbers already",
            help=f"leave {use.word} out, or feed it a text: text | {use.word}",
            about=ids,
        )
    if isinstance(ids.op, Input) and ids.op.name in use.build.documents:
        message = f"{use.word} needs words, but {ids.op.name} is sentences"
        use.fail("NN548", message, help=f"each {{ {use.word} ... }} works on the words of each sentence", about=ids)
    return use.build.vocabularies[ids]


def embedding(size: int) -> Init:
    """How a table starts where nothing else is said."""
    return Init("normal", 1 / math.sqrt(size), size, size, padding_row=True)


def _embed(use: Use, operands: tuple[Node, ...]) -> Node:
    """A row of a table for each id. [*S] -> [*S, size]; row 0, the padding, is zeros and stays so."""
    (ids,) = operands
    size = use.count("size")
    ids = _neighbours(use, ids)
    start = embedding(size)
    rows = _vocabulary(use, ids)
    owner = use.build.owners[ids]
    table = use.weight("weight", (rows, size), start, owner, vectors=_vectors(use, ids, owner))
    x = use.op(Gather(), table, ids)
    if use.flag("scaled"):
        x = use.op(Mul(), x, use.build.number(math.sqrt(size)))
    return x


def _neighbours(use: Use, ids: Node) -> Node:
    """The ids to look up: the tokens' own, or those of n-grams."""
    _vocabulary(use, ids)
    n, least, before = use.count("n"), use.settings["min"], use.flag("before")
    if n > 1:
        return ngrams(use, ids, Ngrams(n, before, least if isinstance(least, int) else Ngrams.min))
    if before or least is not None:
        message = f"embed has {'before' if before else 'min='}, which is said of n-grams, and n is 1"
        help = "write embed 50 n=2" if before else "min= of single tokens stands at the sort: words(min=2)"
        use.fail("NN405", message, help=help)
    return ids


def _vectors(use: Use, ids: Node, owner: str) -> Vectors | None:
    """The file of word vectors that the table starts from. Only its path is looked at, as nothing is opened here."""
    path = use.word_of("vectors")
    if path is None:
        return None
    if use.tied is not None:
        message = "embed cannot start tied weights from vectors"
        use.fail("NN530", message, help="give vectors= to the layer whose weights these are, or leave tied= out")
    if is_view(owner) and use.build.vocabularies.get(ids) == SEGMENTS:
        use.fail("NN530", "embed has vectors of words, and segments are none", help="leave vectors= out")
    free = "vectors" in use.overridden
    reason = None if free else path_refusal(path)
    if reason is not None:
        use.fail("NN701", f'the path "{show(path)}" {reason}', help=OWN_FOLDER)
    return Vectors(path, free, owner, use.span)


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
            Setting("n", "count", "a vector for each n neighbouring tokens: those that begin here", 1, low=1, high=100),
            Setting("before", "flag", "with n=: those that end here"),
            Setting("min", "count", "with n=: how often they must be seen to have an id of their own; 2", low=1),
            Setting("vectors", "text", "a file of word vectors to start from, in the text form of word2vec or GloVe"),
            INIT,
            SCALE,
            FROZEN,
            TIED,
        ),
        ("size",),
    ),
    _embed,
    weights=True,
)
ONEHOT = LayerWord(Signature("onehot", "1 at the id and 0 elsewhere, as wide as the vocabulary"), _onehot)
BAG = LayerWord(Signature("bag", "how often each id occurs in the text, as wide as the vocabulary"), _bag)
LAYERS = (EMBED, ONEHOT, BAG)
