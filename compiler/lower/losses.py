"""What an output's distance from its target is, one number for each example or position."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.build import Build
from compiler.experiment import Head
from compiler.ir.graph import Node, Op
from compiler.ops.elementwise import (
    Abs,
    Add,
    Cast,
    Greater,
    Log,
    Minimum,
    Mul,
    Neg,
    Relu,
    Select,
    Softplus,
    Sub,
    constant,
)
from compiler.ops.lookup import Gather
from compiler.ops.reduction import Sum, TakeAlong
from compiler.ops.shape import Reshape
from compiler.settings.train import Loss
from dsl.source import Span


@dataclass(frozen=True)
class Losses:
    """The losses f[B] of one output; of one that has a label for each position, f[B, T].

    target: ids i64[B] or i64[B, T] of a class, numbers [B, n] of a real; from_head: scores are what a head's activation
    gave, whose operand the loss may look at
    """

    build: Build
    head: Head
    scores: Node
    target: Node
    from_head: bool
    settings: Loss
    span: Span

    def op(self, op: Op, *operands: Node) -> Node:
        return self.build.op(op, *operands, span=self.span)

    def flat(self, scores: Node) -> Node:
        """One number for each example or position, without the axis of width 1."""
        return self.op(Reshape(self.target.type.shape), scores)

    def times(self, x: Node, factor: float) -> Node:
        return self.op(Mul(), x, self.build.number(factor))

    def plain(self) -> Node:
        match self.head.loss:
            case "cross-entropy":
                return self.cross_entropy(self.op(Log(), self.scores))
            case "logistic":
                return self.logistic()
            case "perceptron":
                return self.perceptron()
            case "contrastive":
                return self.contrastive()
            case "mean squared error":
                return self.squared_error()
            case "huber":
                return self.huber()
            case "crf" | "negative sampling" | "hierarchical softmax" | "penalty":
                raise AssertionError("a row of tags, a word and a penalty have losses of their own")

    def smoothed(self, smoothing: float, weights: Node | None) -> Node:
        """(1 - s) w[y] l(y) + s / classes * sum over labels c of w[c] l(c), where l(c) is the loss if c were right.

        weights: f[classes], None for 1 each. Source: Szegedy et al. 2015, in the form of PyTorch's cross_entropy.
        """
        if not smoothing:
            return self.weighted(self.plain(), self.target, weights)
        if self.head.loss == "logistic":
            one = constant(1, "i64")
            other = replace(self, target=self.op(Sub(), one, self.target))
            own = self.weighted(self.plain(), self.target, weights)
            of_all = self.op(Add(), own, self.weighted(other.plain(), other.target, weights))
            count = 2
        else:
            log = self.op(Log(), self.scores)
            own = self.weighted(self.cross_entropy(log), self.target, weights)
            each = log if weights is None else self.op(Mul(), log, weights)
            of_all = self.op(Neg(), self.op(Sum((log.type.rank - 1,)), each))
            width = self.scores.type.shape[-1]
            # How many labels there are is known before this runs, but not always before it is checked.
            count = width if isinstance(width, int) else 1
        return self.op(Add(), self.times(own, 1 - smoothing), self.times(of_all, smoothing / count))

    def weighted(self, losses: Node, labels: Node, weights: Node | None) -> Node:
        return losses if weights is None else self.op(Mul(), losses, self.op(Gather(), weights, labels))

    def cross_entropy(self, log: Node) -> Node:
        """-log of the probability of the right class, as written; the stability pass makes it safe for large scores."""
        at = self.op(Reshape((*self.target.type.shape, 1)), self.target)
        return self.op(Neg(), self.flat(self.op(TakeAlong(log.type.rank - 1), log, at)))

    def logistic(self) -> Node:
        """-log p for the second label, -log(1 - p) for the first; of a head by its score z: log(1 + e^z) - y z."""
        y = self.op(Cast(self.build.dtype), self.target)
        if self.from_head:
            z = self.flat(self.scores.inputs[0])
            return self.op(Sub(), self.op(Softplus(), z), self.op(Mul(), y, z))
        p = self.flat(self.scores)
        # The chosen probability first and then one logarithm: y log p + (1 - y) log(1 - p) is NaN where p is 0 or 1.
        second = self.op(Greater(), y, self.build.number(0.0))
        chosen = self.op(Select(), second, p, self.op(Sub(), self.build.number(1.0), p))
        return self.op(Neg(), self.op(Log(), chosen))

    def perceptron(self) -> Node:
        """max(0, -y z) with y = 1 for the second label and -1 for the first. Source: Rosenblatt 1958."""
        y = self.op(Cast(self.build.dtype), self.target)
        sign = self.op(Sub(), self.times(y, 2.0), self.build.number(1.0))
        z = self.flat(self.scores.inputs[0])
        return self.op(Relu(), self.op(Neg(), self.op(Mul(), sign, z)))

    def contrastive(self) -> Node:
        """With d = 1 - score: d^2 for like (the second label), max(0, margin - d)^2 for unlike. Source: Hadsell et al.
        2006, who halve both."""
        distance = self.op(Sub(), self.build.number(1.0), self.flat(self.scores))
        short = self.op(Relu(), self.op(Sub(), self.build.number(self.settings.margin), distance))
        like = self.op(Greater(), self.op(Cast(self.build.dtype), self.target), self.build.number(0.0))
        chosen = self.op(Select(), like, distance, short)
        return self.op(Mul(), chosen, chosen)

    def squared_error(self) -> Node:
        """The mean over the width of (value - target)^2."""
        difference = self.op(Sub(), self.scores, self.target)
        return self.mean_of(self.op(Mul(), difference, difference))

    def huber(self) -> Node:
        """The mean over the width of d^2 / 2 where |d| = |value - target| <= delta, else of delta (|d| - delta / 2).

        Written as m (|d| - m / 2) with m = min(|d|, delta). Source: Huber 1964, as PyTorch's HuberLoss.
        """
        distance = self.op(Abs(), self.op(Sub(), self.scores, self.target))
        bounded = self.op(Minimum(), distance, self.build.number(self.settings.delta))
        return self.mean_of(self.op(Mul(), bounded, self.op(Sub(), distance, self.times(bounded, 0.5))))

    def mean_of(self, errors: Node) -> Node:
        width = errors.type.shape[1]
        assert isinstance(width, int)
        return self.times(self.op(Sum((1,)), errors), 1 / width)
