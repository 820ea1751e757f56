"""Cross-entropy over a vocabulary: one array of its size instead of three, exponentials once, and the factor of each
row on what the vocabulary is multiplied with, which is smaller. Roundings differ."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir.graph import Graph, Input, Node, apply
from compiler.ir.types import sequence_symbol
from compiler.ops.elementwise import Div, Exp, Greater, Keep, Log, Mul, Neg, Sub, constant
from compiler.ops.normal import LogSoftmax
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import AddAlong, Max, PutAlong, Sum, TakeAlong
from compiler.ops.sequence import Mask
from compiler.ops.shape import Concat, Reshape, Slice
from compiler.passes.block import Block, around, with_roots
from compiler.passes.cse import cse

LEAST = 1000
"""Columns. Of fewer, all rows of a batch stay in the cache, and one call is better than five."""


def vocabulary(graph: Graph) -> Graph:
    """take_along(log_softmax(x), label) -> take_along(x, label) - max - log(t), with e = exp(x - max), t = sum(e)

    And its gradient put_along(d, label) - exp(log_softmax(x)) * sum(put_along(d, label)) -> r * (e - t at the label),
    with r = -d / t; the products of that with r as a factor of the other operand or of the result.
    """
    graph = cse(graph)
    block = around(graph)
    lengths = {n.op.name.removeprefix("lengths."): n for n in graph.inputs if isinstance(n.op, Input)}
    found: dict[Node, Node] = {}
    for node in block.nodes:
        columns = node.type.shape[-1] if isinstance(node.op, LogSoftmax) else None
        if isinstance(columns, int) and columns >= LEAST:
            found |= _Entropy(node, block, lengths).rewritten()
    return cse(with_roots(graph, block.exchanged(found).roots)) if found else graph


@dataclass
class _Entropy:
    """One log_softmax. lengths: by the symbols of sequences"""

    logs: Node
    block: Block
    lengths: dict[str, Node]

    def __post_init__(self) -> None:
        x, span = self.logs.inputs[0], self.logs.span
        last = x.type.rank - 1
        self.one = (*x.type.shape[:-1], 1)
        self.largest = apply(Reshape(self.one), apply(Max(last), x, span=span), span=span)
        self.powers = apply(Exp(), apply(Sub(), x, self.largest, span=span), span=span)
        self.total = apply(Sum((last,), keep=True), self.powers, span=span)

    def rewritten(self) -> dict[Node, Node]:
        """Nothing where somebody reads more of the logarithms than those of labels."""
        users = self.block.users.get(self.logs, [])
        takes = [u for u in users if isinstance(u.op, TakeAlong) and u.type.shape == self.one]
        powers = [u for u in users if isinstance(u.op, Exp)]
        if not takes or len(takes) + len(powers) < len(users):
            return {}
        found: dict[Node, Node] = {}
        for share in (u for p in powers for u in self.block.users[p]):
            differences = self.block.users.get(share, [])
            put = self._put(share, differences)
            if put is None:
                return {}
            found |= self._gradient(differences[0], put)
        for take in takes:
            found[take] = self._taken(take)
        return found

    def _taken(self, take: Node) -> Node:
        x, label = self.logs.inputs[0], take.inputs[1]
        # In this order x is read before the powers are taken, which then need no memory of their own.
        value = apply(Sub(), apply(take.op, x, label, span=take.span), self.largest, span=take.span)
        value = apply(Sub(), value, apply(Log(), self.total, span=take.span), span=take.span)
        return self._clear(self._where(label, value, take), take)

    def _where(self, label: Node, value: Node, of: Node) -> Node:
        """The value, and 0 where there is no label."""
        there = apply(Greater(), label, constant(-1.0, "i64", of.span), span=of.span)
        return apply(Keep(), there, value, span=of.span)

    def _clear(self, x: Node, of: Node) -> Node:
        """With zeros in the padding: what is computed there has no bounds."""
        ragged = x.type.ragged
        if ragged is None:
            return x
        return apply(Mask("zero"), x, self.lengths[sequence_symbol(x.type.shape[ragged])], span=of.span)

    def _put(self, share: Node, differences: list[Node]) -> Node | None:
        """What is put at the labels, if the share is what its sum times the softmax is taken from it."""
        match differences:
            case [Node(op=Sub(), inputs=(Node(op=PutAlong(axis=axis)) as put, taken))] if taken is share:
                pass
            case _:
                return None
        one_a_row = put.inputs[0].type.shape == self.one and axis == self.logs.type.rank - 1
        total = share.inputs[1] if isinstance(share.op, Mul) else None
        match total:
            case Node(op=Sum(axes=(along,), keep=True), inputs=(x,)) if x is put and along == axis and one_a_row:
                return put
            case _:
                return None

    def _gradient(self, difference: Node, put: Node) -> dict[Node, Node]:
        d, label = put.inputs
        less = apply(Neg(), self.total, span=difference.span)
        whole = apply(AddAlong(self.logs.type.rank - 1), self.powers, less, label, span=difference.span)
        share = apply(Div(), self._where(label, d, difference), self.total, span=difference.span)
        rate = self._clear(apply(Neg(), share, span=difference.span), difference)
        users = list(dict.fromkeys(self.block.users.get(difference, [])))
        moved = {user: self._moved(user, difference, whole, rate) for user in users}
        products = {user: new for user, new in moved.items() if new is not None}
        if users and len(products) == len(users):
            return products | self._weights_and_bias(products, whole)
        return {difference: apply(Mul(), whole, rate, span=difference.span)}

    def _weights_and_bias(self, products: dict[Node, Node], whole: Node) -> dict[Node, Node]:
        """The gradients of a weight and of its bias by one product, whose last row is the bias'."""
        match [user for user in products if isinstance(user.op, Outer)], [u for u in products if isinstance(u.op, Sum)]:
            case [weight], [bias]:
                pass
            case _:
                return {}
        x, rate = products[weight].inputs[0], products[bias].inputs[0].inputs[0]
        width, columns = weight.type.shape
        sides = apply(Concat(x.type.rank - 1), x, rate, span=weight.span)
        both = apply(weight.op, sides, whole, span=weight.span)
        last = apply(Slice(0, width, 1), both, span=bias.span)
        return {
            weight: apply(Slice(0, 0, width), both, span=weight.span),
            bias: apply(Reshape((columns,)), last, span=bias.span),
        }

    def _moved(self, user: Node, difference: Node, whole: Node, rate: Node) -> Node | None:
        """A product with r * whole, as one with whole."""
        columns, last = self.logs.type.shape[-1], self.logs.type.rank - 1
        assert isinstance(columns, int)
        match user:
            case Node(op=MatMul(), inputs=(x, w)) if x is difference:
                width = user.type.shape[-1]
                new = apply(Mul(), apply(user.op, whole, w, span=user.span), rate, span=user.span)
            case Node(op=Outer(), inputs=(x, y)) if y is difference and x is not difference:
                width = x.type.shape[-1]
                new = apply(user.op, apply(Mul(), x, rate, span=user.span), whole, span=user.span)
            case Node(op=Sum(axes=axes, keep=False)) if axes == tuple(range(last)):
                width = 1
                new = apply(Reshape((columns,)), apply(Outer(), rate, whole, span=user.span), span=user.span)
            case _:
                return None
        return new if isinstance(width, int) and 2 * width <= columns and new.type.pad == user.type.pad else None
