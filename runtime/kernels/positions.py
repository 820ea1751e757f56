"""Where in its sequence a position stands."""

from __future__ import annotations

from runtime.backend import Array, Xp

LONGEST = 10_000.0
"""The longest wave, over 2 pi."""


def sinusoid(xp: Xp, out: Array) -> None:
    sinusoid_at(xp, out[0], xp.arange(out.shape[1]))


def sinusoid_at(xp: Xp, out: Array, places: Array) -> None:
    """In double precision: the sine of a large number in single precision has few right digits."""
    width = out.shape[-1]
    pairs = xp.arange((width + 1) // 2, dtype=xp.float64)
    angles = places.astype(xp.float64)[..., None] * xp.power(LONGEST, pairs * (-2.0 / width))
    xp.copyto(out[..., 0::2], xp.sin(angles), casting="same_kind")
    xp.copyto(out[..., 1::2], xp.cos(angles[..., : width // 2]), casting="same_kind")


def take_first(xp: Xp, out: Array, table: Array) -> None:
    known = min(out.shape[1], table.shape[0])
    xp.copyto(out[0, :known], table[:known])
    out[0, known:].fill(0)


def put_first(xp: Xp, out: Array, x: Array) -> None:
    known = min(x.shape[1], out.shape[0])
    xp.copyto(out[:known], x[0, :known])
    out[known:].fill(0)
