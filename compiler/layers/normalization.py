"""Normalisation: of each position's width, and of each column over the batch."""

from __future__ import annotations

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.ir.types import BATCH, is_ragged
from compiler.layers.activation import numbers
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add, Div, Greater, Maximum, Mul, Select, Sqrt, Sub
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Lengths
from compiler.signature import Setting, Signature
from compiler.values import what

MOMENTUM = 0.1
"""How much of a batch's mean and variance the running ones take; PyTorch's."""
EPS = Setting("eps", "number", "added under the root", 1e-5, low=1e-30)


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
    scaled = use.op(
        Mul(), use.op(Div(), centred, deviation), use.weight("weight", (width,), Init("constant", 1.0, width, width))
    )
    return scaled if use.flag("rms") else use.op(Add(), scaled, use.weight("bias", (width,), Init("zeros")))


def _batchnorm(use: Use, operands: tuple[Node, ...]) -> Node:
    """(x - mean) / sqrt(variance + eps) of each column, times a weight, plus a bias. [*S, D] -> [*S, D].

    While training, mean and variance are the batch's, over its rows and all their real positions; else the running
    ones, which each batch moves by MOMENTUM, the variance as its unbiased estimate. A column with one value only, as of
    a batch of one row, gives the bias, and leaves the running variance as it is. Frozen, it has the running ones in
    training too, and does not move them. Conventions are PyTorch's BatchNorm1d's. Source: Ioffe and Szegedy 2015.
    """
    (x,) = operands
    numbers(use, x)
    build, width = use.build, x.type.shape[-1]
    if x.type.shape[0] != BATCH:
        use.fail("NN504", f"batchnorm needs a value for each example, but this is {what(x)}", about=x)
    gain, bias = (
        use.weight("weight", (width,), Init("constant", 1.0, width, width)),
        use.weight("bias", (width,), Init("zeros")),
    )
    mean = use.weight("running_mean", (width,), Init("zeros"), trained=False)
    variance = use.weight("running_variance", (width,), Init("constant", 1.0), trained=False)
    if build.mode == "training" and not use.frozen:
        centred, spread = _of_batch(use, x, mean, variance)
    else:
        centred, spread = use.op(Sub(), x, mean), variance
    deviation = use.op(Sqrt(), use.op(Add(), spread, build.number(use.number("eps"))))
    return use.op(Add(), use.op(Mul(), use.op(Div(), centred, deviation), gain), bias)


def _of_batch(use: Use, x: Node, running_mean: Node, running_variance: Node) -> tuple[Node, Node]:
    """x without the batch's mean, 0 in its padding, and the batch's variance [D]; the running ones are moved."""
    build = use.build
    one, axes = build.number(1.0), tuple(range(x.type.rank - 1))
    count = _count(use, x)
    total = use.op(Sum(axes), build.masked(x, "zero", use.span))
    mean = use.op(Div(), total, count)
    centred = build.masked(use.op(Sub(), x, mean), "zero", use.span)
    variance = use.op(Div(), use.op(Sum(axes), use.op(Mul(), centred, centred)), count)
    others = use.op(Sub(), count, one)
    unbiased = use.op(Div(), use.op(Mul(), variance, count), use.op(Maximum(), others, one))
    share = build.number(MOMENTUM)
    some = use.op(Select(), use.op(Greater(), others, build.number(0.0)), share, build.number(0.0))
    build.move(running_mean, lambda old: use.op(Add(), old, use.op(Mul(), use.op(Sub(), mean, old), share)))
    build.move(running_variance, lambda old: use.op(Add(), old, use.op(Mul(), use.op(Sub(), unbiased, old), some)))
    return centred, variance


def _count(use: Use, x: Node) -> Node:
    """How many values of x a column has: of each row all its real positions."""
    build, count = use.build, 1
    rows = build.row_count()
    for dim in x.type.shape[1:-1]:
        if is_ragged(dim):
            rows = use.op(Sum((0,)), use.op(Lengths(dim, build.dtype), build.lengths(dim)))
        else:
            assert isinstance(dim, int)
            count *= dim
    return rows if count == 1 else use.op(Mul(), rows, build.number(count))


LAYERNORM = LayerWord(
    Signature(
        "layernorm",
        "each position's numbers with mean 0 and variance 1, then a learned scale and shift",
        (
            Setting("rms", "flag", "only divide by the root of the mean square"),
            EPS,
            *WEIGHTS,
        ),
    ),
    _layernorm,
    weights=True,
)
BATCHNORM = LayerWord(
    Signature(
        "batchnorm",
        "each column with mean 0 and variance 1 over the batch, then a learned scale and shift",
        (EPS, *WEIGHTS),
    ),
    _batchnorm,
    weights=True,
)
LAYERS = (LAYERNORM, BATCHNORM)
