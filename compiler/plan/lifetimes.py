"""Until when values are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from compiler.ir.graph import Node
from compiler.plan.columns import Columns
from compiler.plan.layout import VIEWS


def last_reads(
    nodes: Sequence[Node], users: Mapping[Node, list[Node]], at_end: Set[Node], parts: Columns
) -> dict[Node, int]:
    """When each node's memory is read for the last time, through views too, and as a part of a whole."""
    index = {node: i for i, node in enumerate(nodes)}
    last: dict[Node, int] = {}
    for node in reversed(nodes):
        reads = [
            last[user] if isinstance(user.op, VIEWS) or parts.get(node, (None, 0))[0] is user else index[user]
            for user in users.get(node, ())
        ]
        last[node] = max(len(nodes) + 1 if node in at_end else index[node], *reads, -1)
    # A whole lies where its parts do, which may be read for longer.
    for node in nodes:
        if node in parts:
            whole = parts[node][0]
            last[whole] = max(last[whole], last[node])
    return last
