"""What the value of a line can be, and how errors speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from compiler.ir.graph import Node
from compiler.ir.types import Dim, Type, is_rows


@dataclass(frozen=True, eq=False)
class Bundle:
    """Several sequences of different lengths, side by side: what `conv k=2,3` gives."""

    parts: tuple[Node, ...]


class Failed:
    """The value of a line that could not be understood: reported once, and silent wherever it is used."""


FAILED = Failed()

Value: TypeAlias = "Node | Bundle | Failed"


def show_dims(shape: tuple[Dim, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def shape_of(value: Node | Bundle) -> str:
    """A value's shape as users see it, without the batch: `[T, 200]`."""
    if isinstance(value, Bundle):
        return " and ".join(shape_of(part) for part in value.parts)
    shape = value.type.shape
    return show_dims(shape[1:] if shape and is_rows(shape[0]) else shape)


def is_ids(node: Node) -> bool:
    return node.type.dtype == "i64"


def is_sequence(node: Node) -> bool:
    """[B, T, d], or ids [B, T]: something with positions (their number may be fixed: k-max pooling gives [B, k, d])."""
    return node.type.rank == (2 if is_ids(node) else 3)


def is_picture(node: Node) -> bool:
    """[B, h, w, c]"""
    return node.type.rank == 4


def what(node: Node | Bundle) -> str:
    """What a value is, in the words of an error: `a vector [200]`, `a sequence [T, 200]`, `ids [T]`."""
    if isinstance(node, Bundle):
        return f"a bundle of sequences {shape_of(node)}"
    if is_ids(node):
        return "an id" if node.type.rank == 1 else f"ids {shape_of(node)}"
    if is_picture(node):
        return f"a picture {shape_of(node)}"
    if is_sequence(node):
        return f"a sequence {shape_of(node)}"
    rank = node.type.rank - 1
    return f"{'a vector' if rank == 1 else 'a number' if rank == 0 else 'an array'} {shape_of(node)}"


def types_of(value: Node | Bundle) -> tuple[Type, ...]:
    """A value's type; of a bundle each."""
    return tuple(part.type for part in value.parts) if isinstance(value, Bundle) else (value.type,)
