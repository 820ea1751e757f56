"""What an output's distance from its target is, one number for each example."""

from __future__ import annotations

from compiler.build import Build
from compiler.experiment import Head
from compiler.ir.graph import Node
from compiler.ir.types import BATCH
from compiler.ops.elementwise import Cast, Greater, Log, Mul, Neg, Relu, Select, Softplus, Sub
from compiler.ops.reduction import Sum, TakeAlong
from compiler.ops.shape import Reshape
from dsl.source import Span


def loss_of(build: Build, head: Head, scores: Node, target: Node, from_head: bool, span: Span) -> Node:
    """f[B]. target: ids i64[B] of a class, numbers [B, n] of a real."""
    match head.loss:
        case "cross-entropy":
            return cross_entropy(build, scores, target, span)
        case "logistic":
            return logistic(build, scores, target, from_head, span)
        case "perceptron":
            return perceptron(build, scores.inputs[0], target, span)
        case "mean squared error":
            return squared_error(build, scores, target, span)


def cross_entropy(build: Build, probabilities: Node, target: Node, span: Span) -> Node:
    """-log of the probability of the right class, as written; the stability pass makes it safe for large scores."""
    log = build.op(Log(), probabilities, span=span)
    at = build.op(Reshape((BATCH, 1)), target, span=span)
    picked = build.op(Reshape((BATCH,)), build.op(TakeAlong(1), log, at, span=span), span=span)
    return build.op(Neg(), picked, span=span)


def logistic(build: Build, probability: Node, target: Node, from_head: bool, span: Span) -> Node:
    """-log p for the second label, -log(1 - p) for the first; of a head by its score z: log(1 + e^z) - y z."""
    y = build.op(Cast(build.dtype), target, span=span)
    if from_head:
        z = build.op(Reshape((BATCH,)), probability.inputs[0], span=span)
        return build.op(Sub(), build.op(Softplus(), z, span=span), build.op(Mul(), y, z, span=span), span=span)
    p = build.op(Reshape((BATCH,)), probability, span=span)
    # The chosen probability first and then one logarithm: y log p + (1 - y) log(1 - p) is NaN where p rounds to 0 or 1.
    second = build.op(Greater(), y, build.number(0.0), span=span)
    chosen = build.op(Select(), second, p, build.op(Sub(), build.number(1.0), p, span=span), span=span)
    return build.op(Neg(), build.op(Log(), chosen, span=span), span=span)


def perceptron(build: Build, z: Node, target: Node, span: Span) -> Node:
    """max(0, -y z) with y = 1 for the second label and -1 for the first. Source: Rosenblatt 1958."""
    y = build.op(Cast(build.dtype), target, span=span)
    sign = build.op(Sub(), build.op(Mul(), y, build.number(2.0), span=span), build.number(1.0), span=span)
    flat = build.op(Reshape((BATCH,)), z, span=span)
    return build.op(Relu(), build.op(Neg(), build.op(Mul(), sign, flat, span=span), span=span), span=span)


def squared_error(build: Build, value: Node, target: Node, span: Span) -> Node:
    """The mean over the width of (value - target)^2."""
    difference = build.op(Sub(), value, target, span=span)
    square = build.op(Mul(), difference, difference, span=span)
    width = value.type.shape[1]
    assert isinstance(width, int)
    return build.op(Mul(), build.op(Sum((1,)), square, span=span), build.number(1 / width), span=span)
