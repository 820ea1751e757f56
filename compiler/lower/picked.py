"""What only some positions are asked about is computed at these alone: a vocabulary's head behind a mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from compiler.build import Build
from compiler.causality import LOCAL
from compiler.ir.graph import Node, Op, apply, sorted_nodes
from compiler.ir.types import BATCH, Dim, Extent, Type
from compiler.ops.lookup import Gather
from compiler.ops.picking import PickPositions
from compiler.ops.product import MatMul
from compiler.ops.sequence import Mask


def picked(build: Build, scores: Node, places: Node, others: Iterable[Node]) -> Node:
    """The scores [B, T, n] at some places, [1, M, n], made from as early a value at these places as pays.

    others: what else is computed of the batch: a value that more is made of than these scores is there at all
    positions, and is picked from.

    A position's value that comes from that position alone is at M places what the same op gives of M operands.
    """
    picking = _Picking(build, scores.type.shape[1], places)
    picking.find(scores, others)
    return picking.made(scores)


@dataclass
class _Picking:
    """inside: the values that are computed at the places alone; new: each value with what it is at the places"""

    build: Build
    positions: Dim
    places: Node
    inside: set[Node] = field(default_factory=set[Node])
    new: dict[Node, Node] = field(default_factory=dict[Node, Node])

    def find(self, scores: Node, others: Iterable[Node]) -> None:
        """Fills `inside`: from the scores up, each value of which all that is made of it is inside."""
        nodes = sorted_nodes([scores, *others])
        users: dict[Node, list[Node]] = {}
        for node in nodes:
            for operand in node.inputs:
                users.setdefault(operand, []).append(node)
        wanted = set(others) - {scores}
        for node in reversed(nodes):
            alone = node not in wanted and all(user in self.inside for user in users.get(node, ()))
            if alone and (node is scores or node in users) and self._is_local(node):
                self.inside.add(node)

    def made(self, scores: Node) -> Node:
        for node in sorted_nodes([scores], leaf=lambda n: n not in self.inside):
            if node in self.inside:
                self.new[node] = self._inside(node)
        old = {node: new for node, new in self.new.items() if node in self.inside}
        self._exchange(old)
        return self.new[scores]

    def _inside(self, node: Node) -> Node:
        if isinstance(node.op, Mask):
            # The places are real positions.
            return self._operand(node.inputs[0])
        return self._op(self._sized(node.op), node, *map(self._operand, node.inputs))

    def _operand(self, node: Node) -> Node:
        """What is outside is picked from, once."""
        if not self._moves(node.type):
            return node
        if node not in self.new:
            self.new[node] = self._op(PickPositions(), node, node, self.places)
        return self.new[node]

    def _op(self, op: Op, of: Node, *operands: Node) -> Node:
        if of.span is None:
            return apply(op, *operands)
        return self.build.op(op, *operands, span=of.span)

    def _exchange(self, old: dict[Node, Node]) -> None:
        """What is known of the old values is so of the new ones: lines show what they cost."""
        for i, row in enumerate(self.build.rows):
            if any(node in old for node in row.nodes):
                nodes = dict.fromkeys(old.get(node, node) for node in row.nodes)
                self.build.rows[i] = replace(row, nodes=tuple(nodes))

    def _is_local(self, node: Node) -> bool:
        """Whether it is [B, T, ...], and a position of it comes from that position of its operands."""
        op, inputs = node.op, node.inputs[:1] if isinstance(node.op, Mask) else node.inputs
        if not self._is_sequence(node.type) or not inputs:
            return False
        moving = [n for n in inputs if self._moves(n.type)]
        if not moving or not all(self._is_sequence(n.type) for n in moving):
            return False
        if any(dim in (BATCH, self.positions) for n in inputs if n not in moving for dim in n.type.shape):
            return False
        if isinstance(op, MatMul):
            return not self._moves(inputs[1].type)
        if isinstance(op, Gather):
            return not self._moves(inputs[0].type)
        if op.elementwise:
            # Operands meet by their last axes: one with fewer of them would meet others.
            return all(n.type.rank == node.type.rank for n in moving)
        return isinstance(op, LOCAL)

    def _is_sequence(self, type: Type) -> bool:
        own = type.shape[:2] == (BATCH, self.positions) and type.rows is None and not type.parts
        return own and not any(map(self._of_batch, type.shape[2:]))

    def _moves(self, type: Type) -> bool:
        return any(map(self._of_batch, (*type.shape, *(d for part in type.parts for d in part.shape))))

    def _of_batch(self, dim: Dim) -> bool:
        assert isinstance(self.positions, Extent)
        names = {self.positions.terms[0][0], "B"}
        return isinstance(dim, Extent) and any(name in names for name, _ in dim.terms)

    def _sized(self, op: Op) -> Op:
        """The op with one row, and as many positions as there are places, in its attributes."""
        count = self.places.type.shape[1]
        new: dict[str, object] = {}
        for each in fields(op):
            value = cast("object", getattr(op, each.name))
            if isinstance(value, tuple) and cast("tuple[object, ...]", value)[:2] == (BATCH, self.positions):
                new[each.name] = (1, count, *cast("tuple[object, ...]", value)[2:])
        return replace(op, **cast("dict[str, Any]", new)) if new else op
