"""Dropout and layer normalisation."""

from __future__ import annotations

from compiler.build import Use, is_sequence
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.ir.types import Dim
from compiler.layers.activation import numbers
from compiler.layers.word import FROZEN, TIED, LayerWord
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import Add, Div, Mul, Sqrt, Sub
from compiler.ops.reduction import Sum
from compiler.signature import Setting, Signature


def _dropout(use: Use, operands: tuple[Node, ...]) -> Node:
    """While training, each number is 0 with probability p, and the others are divided by 1 - p; else x.

    Source: Srivastava et al. 2014; `variational`: one mask for all positions, Gal and Ghahramani 2016.
    """
    (x,) = operands
    numbers(use, x)
    p, shape = use.number("p"), x.type.shape
    if (use.flag("words") or use.flag("variational")) and not is_sequence(x):
        use.fail("NN204", "dropout of whole words, or the same at all positions, needs a sequence", about=x)
    if use.build.mode != "training" or p == 0:
        return x
    drawn: tuple[Dim, ...] = (*shape[:-1], 1) if use.flag("words") else shape
    if use.flag("variational"):
        drawn = (shape[0], 1, *drawn[2:])
    seed, step, site = use.build.chance()
    return use.op(Mul(), x, use.op(DropoutMask(p, site, drawn, use.build.dtype), seed, step))


def _layernorm(use: Use, operands: tuple[Node, ...]) -> Node:
    """(x - mean) / sqrt(variance + eps) of each position's width, times a weight, plus a bias; variance divides by D.

    rms: x / sqrt(mean of x^2 + eps), times a weight. Sources: Ba, Kiros, Hinton 2016; Zhang, Sennrich 2019.
    """
    (x,) = operands
    numbers(use, x)
    width = x.type.shape[-1]
    axes = (x.type.rank - 1,)
    if not isinstance(width, int):
        use.fail("NN213", f"layernorm needs a width that is known, but gets {width}", about=x)
    share = use.build.number(1 / width)
    centred = x
    if not use.flag("rms"):
        mean = use.op(Mul(), use.op(Sum(axes, keep=True), x), share)
        centred = use.op(Sub(), x, mean)
    square = use.op(Sum(axes, keep=True), use.op(Mul(), centred, centred))
    deviation = use.op(Sqrt(), use.op(Add(), use.op(Mul(), square, share), use.build.number(use.number("eps"))))
    scaled = use.op(Mul(), use.op(Div(), centred, deviation), use.weight("weight", (width,), Init("constant", 1.0)))
    return scaled if use.flag("rms") else use.op(Add(), scaled, use.weight("bias", (width,), Init("zeros")))


DROPOUT = LayerWord(
    Signature(
        "dropout",
        "while training, sets a share p of the numbers to 0 and scales the others up",
        (
            Setting("p", "number", "the share that is dropped", required=True, low=0, high=1, below=True),
            Setting("variational", "flag", "the same for all positions"),
            Setting("words", "flag", "whole positions"),
        ),
        ("p",),
    ),
    _dropout,
    bundle="each",
)
LAYERNORM = LayerWord(
    Signature(
        "layernorm",
        "each position's numbers with mean 0 and variance 1, then a learned scale and shift",
        (
            Setting("rms", "flag", "only divide by the root of the mean square"),
            Setting("eps", "number", "added under the root", 1e-5, low=1e-30),
            FROZEN,
            TIED,
        ),
    ),
    _layernorm,
    weights=True,
)
LAYERS = (DROPOUT, LAYERNORM)
