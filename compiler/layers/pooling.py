"""Many positions into one, or into fewer."""

from __future__ import annotations

from collections.abc import Callable

from compiler.build import Origin, Use
from compiler.ir.graph import Node
from compiler.ir.types import Dim, is_ragged, plus, value_of
from compiler.layers.convolution import ordered, sequence
from compiler.layers.joining import differ
from compiler.layers.word import LayerWord
from compiler.ops.attention import HeadMix, HeadSpread
from compiler.ops.elementwise import Constant, Div, Mul, Sub
from compiler.ops.normal import PositionSoftmax, Softmax
from compiler.ops.reduction import Max, Sum, TakeAlong, TopPositions
from compiler.ops.sequence import Lengths, TakePosition
from compiler.ops.shape import Concat, Reshape, Slice, Transpose, Windows
from compiler.signature import Setting, Signature
from compiler.values import shape_of


def _said(use: Use, x: Node, result: Node) -> Node:
    text = f"this pools the sequence {shape_of(x)} into one vector {shape_of(result)}"
    use.build.pooled[result] = use.build.origins[result] = Origin(use.span, text, use.word)
    return result


def _maximum(use: Use, operands: tuple[Node, ...]) -> Node:
    (x,) = operands
    sequence(use, x)
    k, window = use.settings["k"], use.settings["window"]
    if k is not None and window is not None:
        use.fail("NN406", "maxpool takes the k largest or windows, not both", help="leave k= or window= out")
    lowest = use.build.masked(x, "lowest", use.span)
    if k is not None:
        positions = use.op(TopPositions(use.count("k")), lowest)
        return use.op(TakeAlong(1), lowest, positions)
    if window is not None:
        return use.op(Max(2), use.op(_steps(use), lowest))
    _no_stride(use)
    return _said(use, x, use.op(Max(1), lowest))


def _no_stride(use: Use) -> None:
    if use.settings["stride"] is not None:
        use.fail("NN405", f"{use.word} has a stride but no window", help=f"write {use.word} window=2 stride=2")


def _steps(use: Use) -> Windows:
    window = use.count("window")
    return Windows(window, use.count("stride") if use.settings["stride"] is not None else window)


def _average(use: Use, operands: tuple[Node, ...]) -> Node:
    (x,) = operands
    sequence(use, x)
    zeroed = use.build.masked(x, "zero", use.span)
    if use.settings.get("window") is not None:
        total = use.op(Sum((2,)), use.op(_steps(use), zeroed))
        return use.op(Mul(), total, use.build.number(1 / use.count("window")))
    if "stride" in use.settings:
        _no_stride(use)
    total, positions = use.op(Sum((1,)), zeroed), x.type.shape[1]
    if not is_ragged(positions):
        return _said(use, x, use.op(Mul(), total, use.build.number(1 / value_of(positions, {}))))
    count = use.op(Lengths(positions, use.build.dtype), use.build.lengths(positions))
    return _said(use, x, use.op(Div(), total, use.op(Reshape((x.type.shape[0], 1)), count)))


def _sum(use: Use, operands: tuple[Node, ...]) -> Node:
    (x,) = operands
    sequence(use, x)
    return _said(use, x, use.op(Sum((1,)), use.build.masked(x, "zero", use.span)))


def _last(use: Use, operands: tuple[Node, ...]) -> Node:
    """The last position; of a recurrent layer each direction where it ends."""
    (x,) = operands
    sequence(use, x)
    ordered(use, x)
    start: Dim = 0
    parts: list[Node] = []
    for width, reverse in use.build.ends.get(x, ((x.type.shape[2], False),)):
        whole = width == x.type.shape[2]
        part = x if whole else use.op(Slice(2, start, width), x)
        parts.append(_at_end(use, part, first=reverse))
        start = plus(start, width)
    return _said(use, x, parts[0] if len(parts) == 1 else use.op(Concat(1), *parts))


def _at_end(use: Use, x: Node, *, first: bool) -> Node:
    """The first position, or the last one that is real."""
    batch, positions, width = x.type.shape
    if not is_ragged(positions):
        at = 0 if first else value_of(positions, {}) - 1
        return use.op(Reshape((batch, width)), use.op(Slice(1, at, 1), x))
    count = use.op(Lengths(positions, "i64"), use.build.lengths(positions))
    less = count if first else use.op(Constant((1.0).hex(), "i64"))
    return use.op(TakePosition(), x, use.op(Sub(), count, less))


def _first(use: Use, operands: tuple[Node, ...]) -> Node:
    (x,) = operands
    sequence(use, x)
    ordered(use, x)
    return _said(use, x, _at_end(use, x, first=True))


def _weighted(use: Use, operands: tuple[Node, ...]) -> Node:
    """For each score the mean of x weighted by the softmax of that score over the positions; x: [B, T, D].

    scores: [B, T, 1] -> one vector [B, D]; [B, T, n] -> a matrix [B, n, D]. Padding has weight 0.
    Source: Yang et al. 2016, eq. 5 to 7; Lin et al. 2017, eq. 6.
    """
    x, scores = operands
    for value in operands:
        sequence(use, value)
    if scores.type.shape[1] != x.type.shape[1]:
        differ(use, x, scores, "do not meet")
    width, count = _known(use, x), _known(use, scores)
    batch, positions = x.type.shape[:2]
    if is_ragged(positions):
        shares = use.op(PositionSoftmax(), scores, use.build.lengths(positions))
        heads = use.op(Reshape((batch, 1, positions, count)), shares)
        means = use.op(HeadSpread(1, count), heads, use.build.finite(x, use.span))
    else:
        shares = use.op(Softmax(), use.op(Transpose((0, 2, 1)), scores))
        means = use.op(HeadMix(1), use.op(Reshape((batch, 1, count, positions)), shares), x)
    return _said(use, x, use.op(Reshape((batch, width)), means)) if count == 1 else means


def _known(use: Use, x: Node) -> int:
    width = x.type.shape[2]
    if not isinstance(width, int):
        help = "put a dense layer before it: dense 128"
        use.fail("NN213", f"{use.word} needs a width that is known, but gets {width}", help=help, about=x)
    return width


WINDOW = Setting("window", "count", "pool so many neighbours at a time", low=1, high=10_000)
STRIDE = Setting("stride", "count", "every so many positions; a window's width if left out", low=1, high=10_000)


def _pool(word: str, sentence: str, lower: Callable[[Use, tuple[Node, ...]], Node], *settings: Setting) -> LayerWord:
    return LayerWord(Signature(word, sentence, settings), lower, bundle="join")


K = Setting("k", "count", "the k largest of each column, in the order of their positions", low=1, high=10_000)
LAYERS = (
    _pool(
        "maxpool",
        "the largest of each column over all positions, the k largest, or over windows",
        _maximum,
        K,
        WINDOW,
        STRIDE,
    ),
    _pool("avgpool", "the mean of each column over all positions, or over windows", _average, WINDOW, STRIDE),
    _pool("mean", "the mean of each column over all positions", _average),
    _pool("sum", "the sum of each column over all positions", _sum),
    _pool("last", "the last position", _last),
    _pool("first", "the first position", _first),
    LayerWord(
        Signature("weighted", "for each score, the mean of x weighted by the softmax of that score over all positions"),
        _weighted,
        operands=("x", "scores"),
    ),
)
