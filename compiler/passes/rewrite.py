"""Rules: a node -> the node that stands for it from now on, or None where the rule has nothing to say.

A rule's docstring is the rewrite. It looks at the node and what is below it, never at its users, and keeps its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from compiler.ir.graph import Graph, Node, rebuild, with_inputs
from compiler.ir.types import Pad, Type, TypeRuleError
from dsl.errors import InternalError

Rule: TypeAlias = Callable[[Node], Node | None]

ROUNDS = 100
"""A round rewrites every node, inputs first, so a few are enough; past this bound two rules undo each other."""

_PADS: dict[Pad, set[Pad]] = {
    "any": {"any", "finite", "zero", "lowest"},
    "finite": {"finite", "zero"},
    "zero": {"zero"},
    "lowest": {"lowest"},
}


def rewrite(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """The graph after no rule has anything more to say. Raises InternalError where that never comes."""
    settled: set[Node] = set()
    for _ in range(ROUNDS):
        changed = False

        def change(old: Node, inputs: tuple[Node, ...]) -> Node:
            nonlocal changed
            node = with_inputs(old, inputs)
            if node in settled:  # Rules look at it and below it, and neither has changed.
                return node
            new = rewritten(node, rules)
            if new is node:
                settled.add(node)
            else:
                changed = True
            return new

        graph = rebuild(graph, change)
        if not changed:
            return graph
    raise InternalError(f"rules still change the graph after {ROUNDS} rounds: {', '.join(r.__name__ for r in rules)}")


def rewritten(node: Node, rules: Sequence[Rule]) -> Node:
    """What the first rules that fit make of one node; the node itself where none does."""
    for rule in rules:
        try:
            new = rule(node)
        except TypeRuleError:
            continue  # the rule's ops do not take these operands (integers have no negative)
        if new is not None and serves(new.type, node.type):
            return new
    return node


def serves(new: Type, old: Type) -> bool:
    """Whether users of the old type take the new one: the same but for a padding that may be known better."""
    return (new.dtype, new.shape, new.rows) == (old.dtype, old.shape, old.rows) and new.pad in _PADS[old.pad]
