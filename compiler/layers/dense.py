"""Dense layers: every unit sees every number of its position. Without a size, a head."""

from __future__ import annotations

from dataclasses import replace

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.layers.activation import FUNCTIONS, activated, numbers
from compiler.layers.recurrent import dropped
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add
from compiler.ops.product import MatMul
from compiler.signature import Setting, Signature
from compiler.values import is_picture, what

CRF = "crf"
"""A conditional random field over the tags of a text: a head, no function."""


def _dense(use: Use, operands: tuple[Node, ...]) -> Node:
    """[*S, n] -> [*S, size]: activation(x W + b)."""
    (x,) = operands
    numbers(use, x)
    if is_picture(x):
        # It could work at each pixel, as at each word; who writes it means all of them.
        use.fail("NN216", f"dense needs a vector, but gets {what(x)}", help="put flatten before it", about=x)
    x = dropped(use, use.build.finite(x, use.span))
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
            *WEIGHTS,
        ),
        ("size",),
        later=("negatives", "power", "hierarchical"),
    ),
    _dense,
    weights=True,
)
LAYERS = (DENSE,)
