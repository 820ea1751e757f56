"""Identifiers of the emitted program: the compiler's own; a name of the spec's only if it is harmless."""

from __future__ import annotations

import builtins
import keyword
import re

from compiler.ir.graph import Flat, Node, Op
from compiler.ir.text import op_name
from compiler.ops.shape import Reshape, Slice

RESERVED = frozenset({"np", "k", "at", "w", "bind", "step", *keyword.kwlist, *keyword.softkwlist, *dir(builtins)})

HARMLESS = re.compile(r"[a-z][a-z0-9_]*")
LONGEST = 40


class Names:
    """Gives each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set(RESERVED)

    def of_input(self, name: str, kind: str) -> str:
        """`conv.w` is conv_w; a name of other letters than a to z is numbered."""
        return self.free(plain(name, kind))

    def of_part(self, node: Node) -> str | None:
        """A weight's own name where it is a part of a vector of several; on the way to its shape with a word behind."""
        part = node.inputs[0] if isinstance(node.op, Reshape) else node
        if not isinstance(part.op, Slice) or not isinstance(flat := part.inputs[0].op, Flat):
            return None
        for start, each in flat.starts():
            if (start, each.size) == (part.op.start, part.op.size):
                name = plain(each.name, flat.kind)
                return self.free(name if node.type.shape == each.shape else f"{name}_flat")
        return None

    def of_op(self, op: Op, number: str) -> str:
        """`mat_mul_12`"""
        return self.free(f"{op_name(type(op))}_{number}")

    def free(self, name: str) -> str:
        """The name, numbered where it is taken."""
        candidate, n = name, 1
        # A trailing underscore marks the block of an array.
        while candidate.endswith("_") or not self._taken.isdisjoint(derived(candidate)):
            n += 1
            candidate = f"{name}_{n}"
        self._taken.update(derived(candidate))
        return candidate


def plain(name: str, otherwise: str = "value") -> str:
    """The name as an identifier, of a long one its end; another word where it has other letters than a to z."""
    parts = name.lower().split(".")
    if not HARMLESS.fullmatch("_".join(parts)):
        return otherwise
    ends = ("_".join(parts[i:]) for i in range(len(parts)))
    return next((end for end in ends if len(end) <= LONGEST and HARMLESS.fullmatch(end)), otherwise)


def derived(name: str) -> tuple[str, ...]:
    """The name, and those that the program makes of it."""
    return name, f"{name}_rows", f"starts_{name}", f"compute_{name}"
