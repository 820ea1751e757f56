"""Values of a loop's steps that are stacked where a sequence was which nobody reads any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.ir.graph import Node, users_of
from compiler.ops.shape import Concat
from compiler.plan.layout import VIEWS, overwritable
from compiler.plan.plan import Place
from compiler.plan.schedule import reaches, readers

After = dict[Node, list[Node]]
"""A node -> those that must come after it."""


def over_sequences(
    nodes: Sequence[Node], stacks: Mapping[Node, tuple[str, tuple[int, ...]]], free: Mapping[Node, Place]
) -> tuple[dict[Node, Place], After]:
    """Where some of the values go, and what must come after what for it: an element is read before it is written over.

    nodes: of the body; stacks: a value -> its dtype and the shape of all of it; free: an element -> its whole
    """
    users = users_of(nodes)
    after: After = {}
    found: dict[Node, Place] = {}
    left = dict(free)
    for value, like in stacks.items():
        writers = _writers(value)
        for element, whole in left.items():
            known = readers(element, users, set())
            if (whole.dtype, whole.shape) != like or known is None:
                continue
            before = [n for n in known if not isinstance(n.op, VIEWS)]
            if any(r in writers and not _in_place(r, element) for r in before):
                continue
            waiting = [r for r in before if r not in writers]
            if waiting and any(reaches(w, set(waiting), users, after) for w in writers):
                continue
            for reader in waiting:
                after.setdefault(reader, []).extend(writers)
            found[value] = whole
            del left[element]
            break
    return found, after


def _writers(value: Node) -> list[Node]:
    """Who may write to the memory of a value: it, and the parts that it consists of."""
    found: list[Node] = [value]
    for node in found:
        if isinstance(node.op, Concat):
            found += [n for n in node.inputs if n not in found]
    return found


def _in_place(writer: Node, element: Node) -> bool:
    """Whether the writer reads the element as a whole and no view of it, and may write over it."""
    if any(isinstance(n.op, VIEWS) for n in writer.inputs) or writer.type.shape != element.type.shape:
        return False
    return all(i in overwritable(writer.op) for i, n in enumerate(writer.inputs) if n is element)
