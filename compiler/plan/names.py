"""Identifiers of the emitted program: the compiler's own; a name of the spec's only if it is harmless."""

from __future__ import annotations

import builtins
import keyword
import re

from compiler.ir.graph import Op

RESERVED = frozenset({"np", "k", "at", "w", "bind", "step", *keyword.kwlist, *keyword.softkwlist, *dir(builtins)})

HARMLESS = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Names:
    """Gives each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set(RESERVED)

    def of_input(self, name: str, kind: str) -> str:
        """`conv.w` is conv_w; a name of other letters than a to z is numbered."""
        plain = name.replace(".", "_").lower()
        return self._free(plain if HARMLESS.fullmatch(plain) else kind)

    def of_op(self, op: Op, number: int) -> str:
        """`matmul_12`"""
        return self._free(f"{snake(type(op))}_{number}")

    def free(self, name: str) -> str:
        return self._free(name)

    def _free(self, name: str) -> str:
        candidate, n = name, 1
        # A trailing underscore marks the block of an array.
        while candidate.endswith("_") or not self._taken.isdisjoint(derived(candidate)):
            n += 1
            candidate = f"{name}_{n}"
        self._taken.update(derived(candidate))
        return candidate


def derived(name: str) -> tuple[str, ...]:
    """The name, and those that the program makes of it."""
    return name, f"{name}_rows", f"starts_{name}"


def snake(op: type[Op]) -> str:
    """`take_along` of TakeAlong"""
    name = op.__name__
    return name[0].lower() + re.sub("[A-Z]", lambda m: "_" + m[0].lower(), name[1:])
