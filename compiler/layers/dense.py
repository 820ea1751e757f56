"""Dense layers: every unit sees every number of its position. Without a size, a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from compiler.build import Stop, Use, WordHead
from compiler.experiment import Init
from compiler.ir.graph import Input, Node, apply
from compiler.ir.types import value_of
from compiler.layers.activation import FUNCTIONS, activated, numbers
from compiler.layers.embedding import embedding
from compiler.layers.recurrent import dropped
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add
from compiler.ops.lookup import Gather
from compiler.ops.product import MatMul
from compiler.signature import Resolved, Setting, Signature
from compiler.sorts import Negatives, Tree
from compiler.values import is_picture, what

POWER = 0.75
CRF = "crf"
"""A conditional random field over the tags of a text: a head, no function."""


def _dense(use: Use, operands: tuple[Node, ...]) -> Node:
    """[*S, n] -> [*S, size]: activation(x W + b)."""
    (x,) = operands
    numbers(use, x)
    if is_picture(x) and not (use.head and use.build.pixels):
        # It could work at each pixel, as at each word; who writes it means all of them.
        use.fail("NN216", f"dense needs a vector, but gets {what(x)}", help="put flatten before it", about=x)
    x = dropped(use, use.build.finite(x, use.span))
    if of_a_word(use.settings):
        return _word_head(use, x)
    if use.settings["power"] is not None:
        use.fail("NN591", "power= says how negatives are drawn, and there are none", help="write negatives=5 beside it")
    size = use.settings["size"] if use.settings["size"] is not None else use.units
    if size is None:
        use.fail("NN405", "dense needs a size here", help="write how many units it has: dense 100")
    assert not isinstance(size, (str, tuple, float, bool))
    width = x.type.shape[-1]
    start = Init("uniform", None, width, size)
    bias = use.settings["bias"]
    begin = start if bias is None else Init("constant", use.number("bias"), width, size)
    tied = use.tied.get("weight") if use.tied is not None else None
    if tied is not None:
        if tied.type.shape not in ((width, size), (size, width)):
            if use.build.same_tables:
                # Once two vocabularies are known to be one, the sizes may be alike: lowering begins anew.
                raise Stop
            use.fail(
                "NN506",
                f"the tied weights are [{', '.join(map(str, tied.type.shape))}], but dense needs [{width}, {size}]",
                help="tie layers whose widths fit, either way round",
            )
        turned = tied.type.shape != (width, size)
        product = use.op(MatMul(transposed=turned), x, tied)
        if turned:
            use = replace(use, tied=None)
    else:
        product = use.op(MatMul(), x, use.weight("weight", (width, size), start))
    scores = use.op(Add(), product, use.weight("bias", (size,), begin))
    return _tagging(use, scores) if use.word_of("activation") == CRF else activated(use, scores)


def _tagging(use: Use, scores: Node) -> Node:
    """The scores as they are; what tags score beside each other is learnt too."""
    if not use.head:
        help = "leave its size out and end with it, or write dense without crf"
        use.fail("NN219", "dense crf scores the tags of an output, and this is no output", help=help)
    tags, start = scores.type.shape[-1], Init("zeros")
    between = use.weight("between", (tags, tags), start)
    use.build.steps[scores] = between, use.weight("first", (tags,), start), use.weight("last", (tags,), start)
    return scores


def of_a_word(settings: Mapping[str, Resolved]) -> bool:
    """Whether it is a head that tells a word from some others, and not from all."""
    return settings.get("negatives") is not None or settings.get("hierarchical") is True


def _word_head(use: Use, x: Node) -> Node:
    """[B, D] -> [B, V]: x . u for each word, or each inner node of the words' tree. It has no bias.

    Source: Mikolov et al. 2013, arXiv:1310.4546, whose word vectors start from U(+-0.5 / size) and whose u from 0.
    """
    negatives, power = use.settings["negatives"], use.settings["power"]
    word = "negatives=" if negatives is not None else "hierarchical"
    if negatives is not None and use.flag("hierarchical"):
        use.fail("NN591", "dense is either hierarchical or has negatives", help="leave one of them out")
    for other in ("activation", "bias", "size"):
        if use.settings[other] is not None:
            use.fail("NN591", f"dense {word} is a head of its own, and takes no {other}", help=f"leave {other} out")
    if not use.head:
        help = "end with it, or write dense 100"
        use.fail("NN591", f"dense {word} predicts a word, and this is no output", help=help)
    if x.type.rank != 2:
        use.fail("NN591", f"dense {word} needs a vector, but gets {what(x)}", help="pool it: mean", about=x)
    words, width = use.units, x.type.shape[-1]
    assert words is not None
    table = use.weight("weight", (words, width), Init("zeros", None, width, width, padding_row=True))
    _start_small(use, x)
    # No line's cost: only prediction asks for the scores of all words.
    scores = apply(MatMul(transposed=True), x, table, span=use.span)
    against = (
        Tree()
        if negatives is None
        else Negatives(use.count("negatives"), POWER if power is None else use.number("power"))
    )
    use.build.word_heads[scores] = WordHead(x, table, against)
    return scores


def _start_small(use: Use, x: Node) -> None:
    """The tables that x comes from, with no other weights on the way, start from U(+-0.5 / size)."""
    parameters = use.build.parameters
    waiting, seen = [x], {x}
    while waiting:
        node = waiting.pop()
        weights = [n.op.name for n in node.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
        if isinstance(node.op, Gather) and weights:
            parameter = parameters[weights[0]]
            width = value_of(parameter.init.fan_in, {})
            if parameter.init == embedding(width):
                parameters[weights[0]] = replace(
                    parameter, init=replace(parameter.init, kind="uniform", scale=0.5 / width)
                )
        elif not weights:
            waiting += [n for n in node.inputs if n not in seen]
            seen.update(node.inputs)


DENSE = LayerWord(
    Signature(
        "dense",
        "x W + b: every unit sees every number; without a size a head, with as many units as its output has classes",
        (
            Setting("size", "width", "how many units", low=1),
            Setting(
                "activation",
                "choice",
                "what follows; crf: which tag follows which, of an output",
                choices=(*FUNCTIONS, CRF),
            ),
            Setting("bias", "number", "where the bias starts"),
            Setting("negatives", "count", "of a word: told from so many others, which are drawn", low=1, high=1000),
            Setting("power", "number", "with negatives=: drawn by their counts to this power; 0.75", low=0),
            Setting("hierarchical", "flag", "of a word: at each branch of a Huffman tree, from the other branch"),
            *WEIGHTS,
        ),
        ("size",),
    ),
    _dense,
    weights=True,
)
LAYERS = (DENSE,)
