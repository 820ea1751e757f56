"""Rows of tables have room behind those that there are: where somebody reads what stands there, it is zeros."""

from __future__ import annotations

from collections.abc import Collection

from compiler.ir.graph import Node, Op, sorted_nodes, users_of
from compiler.ops.distinct import MatMulRows, OuterRows, Places, PutPicks, WindowSums
from compiler.ops.lookup import AddRows, Dense, PickRows, SetRows, StampRows
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.placed import AddPlaces, AtPlaces
from compiler.plan.plan import Plan

OF_ROWS: tuple[type[Op], ...] = (
    AddPlaces, AddRows, AtPlaces, Dense, MatMulRows, OuterRows, PickRows, PicksMatMul, PicksOuter, Places, PutPicks,
    SetRows, StampRows, WindowSums,
)  # fmt: skip
"""They read as many rows as there are, and the one behind, for which id 0 stands."""


def read_behind(plan: Plan, elementwise: Collection[Node]) -> frozenset[Node]:
    """The nodes of whose result all is read, as by a sum over all elements.

    elementwise: on rows alone, whose result is written as far as it is read
    """
    nodes = [step.node for step in plan.steps]
    users = users_of(sorted_nodes(nodes))
    found: set[Node] = set()
    for node in reversed(nodes):
        for user in users.get(node, []) if node.type.rows is not None else []:
            reads = user in found if _passes_on(node, user, elementwise) else not isinstance(user.op, OF_ROWS)
            if reads:
                found.add(node)
    return frozenset(found)


def _passes_on(node: Node, user: Node, elementwise: Collection[Node]) -> bool:
    """Whether what stands behind the node's rows stands behind the user's then."""
    return user in elementwise or (isinstance(user.op, PicksMatMul) and user.op.onto(user.inputs) is node)
