"""The functions of one value, as layers and as activations of other layers."""

from __future__ import annotations

import math
from collections.abc import Callable

from compiler.build import Use
from compiler.ir.graph import Node
from compiler.ir.types import is_rows, positions
from compiler.layers.word import LayerWord
from compiler.ops.elementwise import Abs, Add, Erf, Exp, Log, Mul, Relu, Sigmoid, Sign, Sqrt, Tanh
from compiler.ops.normal import Softmax
from compiler.signature import Signature
from compiler.values import is_ids, show_dims, what


def gelu(use: Use, x: Node) -> Node:
    """x times the chance that a standard normal number is below x: x (1 + erf(x / sqrt 2)) / 2, exact as PyTorch's.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    build = use.build
    erf = use.op(Erf(), use.op(Mul(), x, build.number(1 / math.sqrt(2))))
    return use.op(Mul(), use.op(Mul(), x, build.number(0.5)), use.op(Add(), erf, build.number(1.0)))


FUNCTIONS: dict[str, tuple[Callable[[Use, Node], Node], str]] = {
    "relu": (lambda use, x: use.op(Relu(), x), "max(x, 0)"),
    "tanh": (lambda use, x: use.op(Tanh(), x), "the hyperbolic tangent, from -1 to 1"),
    "sigmoid": (lambda use, x: use.op(Sigmoid(), x), "1 / (1 + exp(-x)), from 0 to 1"),
    "softmax": (lambda use, x: use.op(Softmax(), x), "exp(x) over its sum across the width: shares that add up to 1"),
    "gelu": (gelu, "x times the chance that a standard normal number is below x"),
    "sign": (lambda use, x: use.op(Sign(), x), "-1, 0 or 1; its gradient is 0"),
    "abs": (lambda use, x: use.op(Abs(), x), "|x|"),
    "exp": (lambda use, x: use.op(Exp(), x), "e to the x"),
    "log": (lambda use, x: use.op(Log(), x), "the natural logarithm"),
    "sqrt": (lambda use, x: use.op(Sqrt(), x), "the square root"),
}


def activated(use: Use, x: Node) -> Node:
    """x through the layer's `activation`, if it has one."""
    name = use.word_of("activation")
    return x if name is None else FUNCTIONS[name][0](use, x)


def numbers(use: Use, x: Node) -> None:
    """Refuses ids, on which arithmetic means nothing, and weights, which have no examples."""
    if is_ids(x):
        use.fail(
            "NN208",
            f"{use.word} needs numbers, but gets {what(x)}",
            "ids have no size to compute with",
            help="put embed or onehot before it",
            about=x,
        )
    if any(positions(d) != d for d in x.type.shape):
        message = f"{use.word} cannot compute with attention's weights: there is one for each position of a text"
        use.fail("NN208", message, help="pointer makes probabilities of words of them", about=x)
    if not any(d == 1 or is_rows(d) for d in x.type.shape[:1]):
        use.fail(
            "NN504",
            f"{use.word} needs a value for each example, but this is a weight {show_dims(x.type.shape)}",
            help="W @ x multiplies a value with a matrix of weights; a vector of weights meets a value in arithmetic",
        )


def _function(name: str) -> LayerWord:
    function, sentence = FUNCTIONS[name]

    def lower(use: Use, operands: tuple[Node, ...]) -> Node:
        numbers(use, operands[0])
        return function(use, operands[0])

    return LayerWord(Signature(name, sentence), lower, bundle="each")


LAYERS = tuple(_function(name) for name in FUNCTIONS)
