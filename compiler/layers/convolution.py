"""Convolution along a sequence: the same weights at every window of k neighbours."""

from __future__ import annotations

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Input, Node
from compiler.ir.types import is_ragged, sequence_symbol, times
from compiler.layers.activation import FUNCTIONS, activated, numbers
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add
from compiler.ops.product import MatMul
from compiler.ops.shape import Concat, Reshape, Windows
from compiler.signature import Setting, Signature
from compiler.values import Bundle, is_ids, is_picture, is_sequence, what
from dsl.errors import Note

PADDING = ("narrow", "wide", "same", "causal")


def sequence(use: Use, x: Node) -> None:
    """Refuses what has no positions."""
    if not is_sequence(x):
        pooled = use.build.pooled.get(x)
        if is_picture(x):
            near = {"conv": "conv2d", "maxpool": "maxpool2d", "avgpool": "avgpool2d", "mean": "avgpool2d"}.get(use.word)
            help = f"for a picture there is {near}" if near else "flatten makes a vector of a picture, for dense"
        elif pooled is None:
            help = "a sequence comes from embed or onehot"
            if isinstance(x.op, Input) and not is_ids(x):
                help += f"; of a time series, series[{x.type.shape[1]},1] is one"
        elif pooled.word == use.word:
            help = f"the positions are one vector already: leave this {use.word} out"
        else:
            help = f"put {use.word} before {pooled.word}"
        use.build.fail(
            "NN204",
            f"{use.word} needs a sequence, but gets {what(x)}",
            use.place or use.span,
            "expects [T, d]",
            help=help,
            notes=(Note(pooled.span, pooled.text),) if pooled is not None else use.build.origin(x),
        )
    if is_ids(x):
        numbers(use, x)


def ordered(use: Use, x: Node) -> None:
    """Refuses positions without an order, which a bag has: what comes would hang on how it is written."""
    length = x.type.shape[1]
    if is_ragged(length) and (name := use.build.bags.get(sequence_symbol(length))) is not None:
        help = f"pool it, by mean, sum or maxpool; of a text in its order: {name}: words"
        use.fail("NN590", f"{use.word} goes by the order of positions, and {name} is a bag, which has none", help=help)


def _windows(use: Use, k: int) -> Windows:
    stride, dilation, padding = use.count("stride"), use.count("dilation"), use.word_of("padding")
    reach = dilation * (k - 1) + 1
    match padding:
        case "wide":
            return Windows(k, stride, dilation, reach - 1, reach - 1)
        case "same":
            before = (reach - 1) // 2
            return Windows(k, stride, dilation, before, reach - 1 - before)
        case "causal":
            return Windows(k, stride, dilation, reach - 1, 0)
        case _:
            return Windows(k, stride, dilation)


def _conv(use: Use, operands: tuple[Node, ...]) -> Node | Bundle:
    """[T, d] -> [T', filters], for each k; narrow: T' = T-k+1, wide: T+k-1, same and causal: T."""
    (x,) = operands
    sequence(use, x)
    kernels, filters = use.settings["k"], use.settings["filters"]
    assert isinstance(kernels, tuple)
    assert isinstance(filters, tuple)
    if len(filters) not in (1, len(kernels)):
        use.fail(
            "NN403",
            f"conv has {len(kernels)} widths k, but {len(filters)} numbers of filters",
            help="give one number of filters for all, or one for each k",
        )
    each = filters if len(filters) == len(kernels) else filters * len(kernels)
    zeroed = use.build.masked(x, "zero", use.span)
    if kernels != (1,):
        ordered(use, x)
    maps: list[Node] = []
    for i, (k, count) in enumerate(zip(kernels, each, strict=True), 1):
        assert isinstance(k, int)
        assert isinstance(count, int)
        windows = _windows(use, k)
        fan_in = times(x.type.shape[2], k)
        bounds = Init("uniform", None, fan_in, count * k)
        suffix = "" if len(kernels) == 1 else f".{i}"
        w = use.weight(f"weight{suffix}", (fan_in, count), bounds)
        b = use.weight(f"bias{suffix}", (count,), bounds)
        if windows == Windows(1):
            seen = use.build.finite(x, use.span)
        else:
            seen = use.op(windows, zeroed)
            seen = use.op(Reshape((*seen.type.shape[:2], fan_in)), seen)
        maps.append(activated(use, use.op(Add(), use.op(MatMul(), seen, w), b)))
    if len(maps) == 1:
        return maps[0]
    if all(m.type.shape[1] == maps[0].type.shape[1] for m in maps):
        return use.op(Concat(2), *maps)
    return Bundle(tuple(maps))


CONV = LayerWord(
    Signature(
        "conv",
        "a convolution along the sequence, for one width k or several",
        (
            Setting("k", "count", "how many neighbours a window holds", required=True, many=True, low=1, high=10_000),
            Setting("filters", "count", "how many filters each width has", required=True, many=True, low=1),
            Setting("stride", "count", "every so many positions", 1, low=1, high=10_000),
            Setting("dilation", "count", "neighbours lie so far apart", 1, low=1, high=10_000),
            Setting("padding", "choice", "zeros at the ends", "narrow", choices=PADDING),
            Setting("activation", "choice", "what follows", choices=tuple(FUNCTIONS)),
            *WEIGHTS,
        ),
        ("k",),
    ),
    _conv,
    weights=True,
)
LAYERS = (CONV,)
