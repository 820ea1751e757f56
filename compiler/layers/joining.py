"""Several values into one, and one into another shape: concat, mix, max, min, dot, cosine, flatten."""

from __future__ import annotations

from math import prod

from compiler.build import Use
from compiler.experiment import Init
from compiler.ir.graph import Node, Op
from compiler.ir.types import is_ragged
from compiler.layers.activation import numbers
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add, Div, Maximum, Minimum, Mul, Sqrt
from compiler.ops.normal import Softmax
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice
from compiler.signature import Signature
from compiler.values import is_ids, is_picture, is_sequence, shape_of, what


def aligned(use: Use, values: tuple[Node, ...]) -> tuple[Node, ...]:
    """Values without positions beside sequences: each as a sequence of one position, which broadcasts."""
    if not any(is_sequence(v) for v in values):
        return values
    return tuple(use.op(Reshape((v.type.shape[0], 1, v.type.shape[1])), v) if v.type.rank == 2 else v for v in values)


def meet(use: Use, values: tuple[Node, ...]) -> tuple[Node, ...]:
    """Operands of arithmetic, made to broadcast; refuses shapes that are not equal where they must be."""
    # A vector of weights is the same for every example.
    weights = [v.type.rank == 1 and not is_ids(v) for v in values]
    values = tuple(use.op(Reshape((1, *v.type.shape)), v) if w else v for v, w in zip(values, weights, strict=True))
    for v in values:
        numbers(use, v)
    met = aligned(use, values)
    first = met[0]
    for v, given in zip(met[1:], values[1:], strict=True):
        # Errors show the values as they were written, before they were aligned.
        if v.type.rank != first.type.rank:
            differ(use, values[0], given, "have different numbers of axes")
        for a, b in zip(first.type.shape, v.type.shape, strict=True):
            if a != b and 1 not in (a, b):
                differ(use, values[0], given, "do not meet")
    return met


def differ(use: Use, a: Node, b: Node, how: str) -> None:
    """Reports two shapes that should be equal. Raises Stop."""
    positions = is_sequence(a) and is_sequence(b) and a.type.shape[1] != b.type.shape[1]
    help = f"make them equally wide, with {'linear' if use.build.cell is not None else 'dense'} for example"
    if positions:
        help = "two sequences meet only if they come from one input, with no change of length on the way"
    elif is_picture(a) and is_picture(b) and a.type.shape[1:3] != b.type.shape[1:3]:
        help = "two pictures meet only if they are equally high and wide: begin with a size that every pooling divides"
    use.build.fail(
        "NN212" if positions else "NN201",
        f"{use.word} of {shape_of(a)} and {shape_of(b)}: the {'positions differ' if positions else f'shapes {how}'}",
        use.span,
        help=help,
        notes=tuple(n for v in (a, b) for n in use.build.origin(v)),
    )


def joined(use: Use, values: tuple[Node, ...]) -> Node:
    """The values side by side along their width."""
    for v in values:
        numbers(use, v)
    values = aligned(use, values)
    if len(values) == 1:
        return values[0]
    longest = next((v for v in values if is_sequence(v) and v.type.shape[1] != 1), values[0])
    wide: list[Node] = []
    for v in values:
        shape = (*longest.type.shape[:-1], v.type.shape[-1])
        if v.type.rank != longest.type.rank or any(
            d not in (1, s) for d, s in zip(v.type.shape[:-1], shape[:-1], strict=True)
        ):
            differ(use, longest, v, "differ in more than the width")
        wide.append(v if v.type.shape == shape else use.op(Broadcast(shape), v))
    result, ends = use.op(Concat(longest.type.rank - 1), *wide), use.build.ends
    if any(v in ends for v in values):
        ends[result] = tuple(end for v in values for end in ends.get(v, ((v.type.shape[-1], False),)))
    return result


def _mix(use: Use, operands: tuple[Node, ...]) -> Node:
    """scale times the sum of s_i x_i, s the softmax of a weight for each value; [*S, D] each -> the same.

    At first all values count alike, and the scale is 1. Source: Peters et al. 2018, eq. 1.
    """
    values, count = meet(use, operands), len(operands)
    shares = use.op(Softmax(), use.weight("weight", (count,), Init("zeros")))
    total: Node | None = None
    for i, value in enumerate(values):
        part = use.op(Mul(), value, use.op(Slice(0, i, 1), shares))
        total = part if total is None else use.op(Add(), total, part)
    assert total is not None
    return use.op(Mul(), total, use.weight("scale", (1,), Init("constant", 1.0)))


def _binary(op: Op):
    def lower(use: Use, operands: tuple[Node, ...]) -> Node:
        return use.op(op, *meet(use, operands))

    return lower


def _dot(use: Use, operands: tuple[Node, ...]) -> Node:
    """The inner product over the width: two values [*S, n] -> [*S, 1]."""
    product = use.op(Mul(), *meet(use, operands))
    return use.op(Sum((product.type.rank - 1,), keep=True), product)


def _cosine(use: Use, operands: tuple[Node, ...]) -> Node:
    """The inner product over the product of the lengths, each at least 1e-8, as PyTorch's: [*S, n] twice -> [*S, 1]."""
    u, v = meet(use, operands)
    # The bound is under the root: the gradient of a root at 0 is infinite.
    floor = use.build.number(1e-16)
    lengths = [use.op(Sqrt(), use.op(Maximum(), _dot(use, (x, x)), floor)) for x in (u, v)]
    return use.op(Div(), _dot(use, (u, v)), use.op(Mul(), *lengths))


def _flatten(use: Use, operands: tuple[Node, ...]) -> Node:
    """Every axis but the batch as one: [h, w, c] -> [h w c]."""
    (x,) = operands
    if any(is_ragged(d) for d in x.type.shape):
        use.fail(
            "NN214",
            f"flatten needs a fixed number of positions, but gets {what(x)}",
            "each text has its own length",
            help="pool first, with maxpool, mean or maxpool k=3",
            about=x,
        )
    numbers(use, x)
    if x.type.rank == 2:
        return x
    inner = [d for d in x.type.shape[1:] if isinstance(d, int)]
    if len(inner) != x.type.rank - 1:
        use.fail("NN214", f"flatten needs sizes that are known, but gets {what(x)}", about=x)
    return use.op(Reshape((x.type.shape[0], prod(inner))), x)


LAYERS = (
    LayerWord(Signature("concat", "the values side by side along their width"), joined, operands=("x", "y"), any=True),
    LayerWord(
        Signature("mix", "a sum of values, weighted by a softmax of learned weights, times a learned scale", WEIGHTS),
        _mix,
        operands=("x", "y"),
        any=True,
        weights=True,
    ),
    LayerWord(Signature("max", "the larger of two values, number by number"), _binary(Maximum()), operands=("a", "b")),
    LayerWord(Signature("min", "the smaller of two values, number by number"), _binary(Minimum()), operands=("a", "b")),
    LayerWord(Signature("dot", "the inner product of two values over their width"), _dot, operands=("a", "b")),
    LayerWord(Signature("cosine", "the cosine of the angle between two values"), _cosine, operands=("a", "b")),
    LayerWord(Signature("flatten", "all axes as one"), _flatten),
)
