"""Layers that look at all positions of a sequence, and those that tell them where a position stands."""

from __future__ import annotations

from math import sqrt

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.ir.types import Dim, is_ragged, positions, sequence_symbol, value_of
from compiler.layers.convolution import ordered, sequence
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.attention import CausalSoftmax, HeadMix, HeadScores, KeySoftmax
from compiler.ops.elementwise import Add, Mul
from compiler.ops.normal import Softmax
from compiler.ops.positions import Sinusoid, TakeFirst
from compiler.ops.product import MatMul
from compiler.ops.relative import RelativeBias, fits
from compiler.signature import Setting, Signature
from compiler.values import shape_of


def _attention(use: Use, operands: tuple[Node, ...]) -> Node:
    """concat over heads h of softmax(Q_h K_h' / sqrt(n)) V_h, times a matrix; [B, T, D], [B, S, E] -> [B, T, D].

    Q, K and V are query W + b, memory W + b, memory W + b, each D wide and cut into heads of n = D / heads columns.
    Keys that are padding have weight 0, and with `causal` those behind the query's position. Source: Vaswani et al.
    2017, 3.2; weights and biases as in PyTorch's MultiheadAttention, each with its own start.
    """
    build, query, memory = use.build, operands[0], operands[-1]
    for x in operands:
        sequence(use, x)
    width, heads = known_width(use, query), use.count("heads")
    if width % heads:
        fitting = [str(n) for n in range(1, min(width, 64) + 1) if width % n == 0]
        help = f"heads that fit: {', '.join(fitting)}; or make it wider"
        message = f"attention cuts the width into heads, and {width} is no multiple of {heads}"
        use.fail("NN570", message, help=help, about=query)
    query, memory = build.finite(query, use.span), build.finite(memory, use.span)
    share = build.number(1 / sqrt(width // heads))
    q = use.op(Mul(), _projected(use, "query", query, width), share)
    k, v = (_projected(use, name, memory, width) for name in ("key", "value"))
    weights = weights_of(use, _placed(use, use.op(HeadScores(heads), q, k), width))
    return _projected(use, "out", use.op(HeadMix(heads), _dropped(use, weights), v), width)


def known_width(use: Use, x: Node) -> int:
    width = x.type.shape[-1]
    if not isinstance(width, int):
        help = "put a dense layer before it: dense 128"
        use.fail("NN213", f"{use.word} needs a width that is known, but gets {width}", help=help, about=x)
    return width


def _projected(use: Use, name: str, x: Node, width: int) -> Node:
    start = Init("uniform", None, x.type.shape[-1], width)
    product = use.op(MatMul(), x, use.weight(f"weight_{name}", (x.type.shape[-1], width), start))
    return use.op(Add(), product, use.weight(f"bias_{name}", (width,), start))


def _placed(use: Use, scores: Node, width: int) -> Node:
    """The scores, each plus what `relative=` learns of how far its key stands from its query; [B, heads, T, S].

    Source: Raffel et al. 2020, 2.1, whose table is one for all layers (`tied=`), and whose scores are not divided.
    """
    if use.settings["relative"] is None:
        return scores
    buckets, causal, queries = use.count("relative"), use.flag("causal"), scores.type.shape[2]
    if not fits(buckets, causal):
        help = "relative=32, or causal" if buckets % 2 else "relative=32"
        message = f"attention relative must be even and from 4 to 510 where keys stand on both sides, but is {buckets}"
        if causal:
            message = f"attention relative must be from 2 to 255 where it is causal, but is {buckets}"
        use.fail("NN404", message, help=help)
    _own_positions(use, scores, "relative")
    heads = use.count("heads")
    start = Init("normal", 1 / sqrt(width), buckets, heads)
    table = use.weight("weight_relative", (buckets, heads), start)
    return use.op(Add(), scores, use.op(RelativeBias(queries, causal), table))


def weights_of(use: Use, scores: Node) -> Node:
    """[B, heads, T, S], over the keys that a query may see."""
    keys = positions(scores.type.shape[3])
    if not use.flag("causal"):
        return use.op(KeySoftmax(), scores, use.build.lengths(keys)) if is_ragged(keys) else use.op(Softmax(), scores)
    _own_positions(use, scores, "causal")
    return use.op(CausalSoftmax(), scores)


def _own_positions(use: Use, scores: Node, setting: str) -> None:
    """Refuses a setting that asks where a key stands, of a memory that has other positions than the queries."""
    queries, keys = scores.type.shape[2], positions(scores.type.shape[3])
    if keys != queries:
        use.fail(
            "NN572",
            f"{setting} attention needs the memory's positions to be its own, but they are {keys} and {queries}",
            help=f"leave {setting} out: what another sequence holds lies neither before nor behind",
        )


def _dropped(use: Use, weights: Node) -> Node:
    p = use.number("dropout")
    if use.build.mode != "training" or p == 0:
        return weights
    return use.op(Mul(), weights, use.dropout_mask(p, weights.type.shape))


def _positions(use: Use, operands: tuple[Node, ...]) -> Node:
    """x plus a vector for each position, the same in every row; [B, T, D] -> the same.

    sinusoid: sines and cosines of the position, Vaswani et al. 2017, 3.5; learned: a table [max, D].
    """
    (x,) = operands
    sequence(use, x)
    ordered(use, x)
    length, width = x.type.shape[1], known_width(use, x)
    if use.word_of("kind") == "learned":
        start = Init("normal", 1 / sqrt(width), width, width)
        table = use.weight("weight", (_longest(use, length, x), width), start)
        return use.op(Add(), x, use.op(TakeFirst(length), table))
    given = [name for name in ("max", "init", "scale", "tied") if use.settings[name] is not None]
    if given or use.flag("frozen"):
        name = given[0] if given else "frozen"
        help = f"leave {name} out, or write positions learned"
        use.fail("NN405", f"positions sinusoid has no weights, which {name} is about", help=help)
    return use.op(Add(), x, use.op(Sinusoid(length, width, use.build.dtype)))


def _longest(use: Use, length: Dim, x: Node) -> int:
    """How many rows the table has: all that a text may have."""
    bound: int | None = None
    if not is_ragged(length):
        bound = value_of(length, {})
    elif (symbol := sequence_symbol(length)) in use.build.longest:
        bound = value_of(length, {symbol: use.build.longest[symbol]})
    if bound is None:
        asked = use.settings["max"] if use.settings["max"] is not None else 100
        help = f"say in the signature how long it may be, such as words(max={asked}), or write positions sinusoid"
        message = (
            f"positions learned has a vector for each position, and the number of those of {shape_of(x)} has no bound"
        )
        use.fail("NN571", message, help=help, about=x)
    if use.settings["max"] is None:
        return bound
    given = use.count("max")
    if given < bound:
        help = f"write max={bound}, or leave it out"
        use.fail("NN571", f"positions learned max={given} has too few: there may be {bound}", help=help, about=x)
    return given


ATTENTION = LayerWord(
    Signature(
        "attention",
        "each position becomes a mean of a memory's positions, weighted by how well they match it",
        (
            Setting("heads", "count", "how many means, each of a part of the width", 1, low=1, high=10_000),
            Setting("causal", "flag", "a position sees itself and those before it"),
            Setting("dropout", "number", "while training, the share of the weights that is 0", 0, low=0, high=1,
                    below=True),
            Setting("relative", "count", "a learned number for each head and distance, in so many buckets, is added to "
                    "the scores; of 128 on all are one", low=2, high=510),
            *WEIGHTS,
        ),
    ),
    _attention,
    operands=("query", "memory"),
    optional=1,
    weights=True,
)  # fmt: skip
POSITIONS = LayerWord(
    Signature(
        "positions",
        "adds to each position where in the sequence it stands",
        (
            Setting(
                "kind",
                "choice",
                "sinusoid: sines and cosines of the position; learned: a table",
                required=True,
                choices=("sinusoid", "learned"),
            ),
            Setting("max", "count", "of learned, how many positions; the input's max= if left out", low=1),
            *WEIGHTS,
        ),
        ("kind",),
    ),
    _positions,
    weights=True,
)
LAYERS = (ATTENTION, POSITIONS)
