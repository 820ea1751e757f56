"""Parts of a whole that are computed where they stand in it, so that laying them side by side copies nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TypeAlias

from compiler.ir.graph import Input, Node
from compiler.ir.types import bound_shape, value_of
from compiler.ops.elementwise import Constant
from compiler.ops.product import MatMul
from compiler.ops.scan import Scan
from compiler.ops.shape import Concat, Reshape
from compiler.plan.layout import VIEWS, contiguous, is_contiguous, takes

Columns: TypeAlias = Mapping[Node, tuple[Node, int]]
"""A value -> the concat that it is a part of, itself or in another shape, and where in it the part starts."""


def columns(
    nodes: Sequence[Node], users: Mapping[Node, list[Node]], fixed: Set[Node], sizes: Mapping[str, int]
) -> Columns:
    """fixed: values that must lie elsewhere"""
    found: dict[Node, tuple[Node, int]] = {}
    for whole in reversed(nodes):
        # From the outermost whole inwards: a part may be a whole itself.
        if not isinstance(whole.op, Concat):
            continue
        axis, start = whole.op.axis, 0
        shape = bound_shape(_outermost(whole, found).type, sizes)
        for part in whole.inputs:
            own = bound_shape(part.type, sizes)
            strides = contiguous(shape) if len(shape) == len(own) else ()
            alone = part not in found and whole.inputs.count(part) == 1 and part not in fixed
            if strides and is_contiguous(own, strides):
                # A part of a vector may be computed in another shape.
                made = part.inputs[0] if isinstance(part.op, Reshape) and len(shape) == 1 else part
                if alone and made not in found and made not in fixed and _has_memory(made):
                    found[made] = found[part] = whole, start
            elif alone and _is_made(part) and _is_taken(part, users, own, strides):
                found[part] = whole, start
            start += value_of(part.type.shape[axis], sizes)
    return found


def _outermost(whole: Node, found: Columns) -> Node:
    while whole in found:
        whole = found[whole][0]
    return whole


def _has_memory(part: Node) -> bool:
    """Whether its work writes to one place, which is not another value's."""
    elsewhere = isinstance(part.op, (Input, Constant, Scan, *VIEWS))
    return part.type.rows is None and not elsewhere


def _is_made(part: Node) -> bool:
    """Whether its work can write to any strides."""
    if part.type.rows is not None or isinstance(part.op, Constant):
        return False
    return part.op.elementwise or isinstance(part.op, (MatMul, Concat))


def _is_taken(part: Node, users: Mapping[Node, list[Node]], shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether all who read it, themselves or through views, can read it with gaps."""
    if isinstance(part.op, MatMul) and not takes(part.op, 0, shape, strides):
        return False
    for user in users.get(part, ()):
        if isinstance(user.op, VIEWS):
            continue
        if any(n is part and not takes(user.op, i, shape, strides) for i, n in enumerate(user.inputs)):
            return False
    return True
