"""Fusion: groups of element-wise ops become one, whose inner values are never written out as whole arrays."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, Op, apply, rebuild, users_of, with_inputs
from compiler.ops.elementwise import Constant
from compiler.ops.fused import Fused, Step

MOST_STEPS = 24
MOST_INPUTS = 12
"""Each input and each step is a block of its own in the cache while the group runs."""

_DTYPES = ("f32", "f64", "bool")


def fuse(graph: Graph) -> Graph:
    """A node joins the group of its users when they are all in one group and have its shape.

    So whatever a member feeds is in its group, only the root is seen outside, and no way leads out of a group and back
    in. Constants are steps of every group that reads them.
    """
    groups = _groups(graph)
    roots = {members[0]: members for members in groups if len(members) > 1}

    new: dict[Node, Node] = {}

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        if old in roots:
            fused, operands = _fused(roots[old])
            new[old] = apply(fused, *(new.get(n, n) for n in operands), span=old.span)
        else:
            new[old] = with_inputs(old, inputs)
        return new[old]

    return rebuild(graph, change)


def _groups(graph: Graph) -> list[list[Node]]:
    """The groups, each from its root to the nodes above it, users first."""
    nodes = graph.nodes()
    users = users_of(nodes)
    outside = {output.node for output in graph.outputs}
    group_of: dict[Node, list[Node]] = {}
    groups: list[list[Node]] = []
    for node in reversed(nodes):
        if not _is_fusable(node):
            continue
        group = None if node in outside else _group_of_users(users[node], group_of)
        if group is not None and node.type.shape == group[0].type.shape and _has_room([*group, node]):
            group.append(node)
        else:
            group = [node]
            groups.append(group)
        group_of[node] = group
    return groups


def _is_fusable(node: Node) -> bool:
    """Element-wise on dense floating-point numbers and truth values, and no constant."""
    if not node.op.elementwise or isinstance(node.op, Fused | Constant):
        return False
    return all(t.rows is None and t.dtype in _DTYPES for t in (node.type, *(n.type for n in node.inputs)))


def _group_of_users(users: list[Node], group_of: dict[Node, list[Node]]) -> list[Node] | None:
    """The one group that all of them are in, if there is one."""
    group = group_of.get(users[0])
    return group if all(group_of.get(user) is group for user in users) else None


def _has_room(members: list[Node]) -> bool:
    operands = {n for member in members for n in member.inputs} - set(members)
    constants = {n.op for n in operands if isinstance(n.op, Constant)}
    inputs = sum(not isinstance(n.op, Constant) for n in operands)
    return len(members) + len(constants) <= MOST_STEPS and inputs <= MOST_INPUTS


def _fused(members: list[Node]) -> tuple[Fused, list[Node]]:
    """The op of a group and the nodes that it reads."""
    inside = set(members)
    ordered = members[::-1]
    operands = list(dict.fromkeys(n for m in ordered for n in m.inputs if n not in inside and not _is_constant(n)))
    place: dict[Node | Op, int] = {node: i for i, node in enumerate(operands)}
    steps: list[Step] = []

    def add(key: Node | Op, op: Op, reads: tuple[int, ...]) -> None:
        place[key] = len(operands) + len(steps)
        steps.append((op, reads))

    for node in ordered:
        for constant in filter(_is_constant, node.inputs):
            if constant.op not in place:
                add(constant.op, constant.op, ())
        add(node, node.op, tuple(place[n.op if _is_constant(n) else n] for n in node.inputs))
    return Fused(tuple(steps)), operands


def _is_constant(node: Node) -> bool:
    return isinstance(node.op, Constant)
