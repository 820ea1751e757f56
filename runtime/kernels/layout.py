"""Other views of the same memory."""

from __future__ import annotations

from dsl.errors import InternalError
from runtime.backend import Array, Xp


def reshaped(xp: Xp, x: Array, shape: tuple[int, ...]) -> Array:
    """x in another shape, never a copy: a copy would be of today's numbers, a view is of every step's."""
    view = x.reshape(shape)
    if view.size and not xp.may_share_memory(view, x):
        raise InternalError(f"an array of strides {x.strides} has no view in shape {shape}")
    return view
