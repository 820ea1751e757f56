"""Random numbers that depend on a seed, a site and a step and on nothing else."""

from __future__ import annotations

import numpy as np

from runtime.backend import Array, Xp


def dropout_mask(
    xp: Xp, out: Array, seed: Array, step: Array, drawn: Array | None = None, *, p: float, site: int
) -> None:
    """drawn: f32 of out's shape, unless out is f32. The draws are float32 whatever out is, so the bits agree."""
    drawn = out if drawn is None else drawn
    # As uint64: a list in which one number is above 2^63 would become one of floats.
    key = np.array([int(seed) % 2**64, site], np.uint64)
    # A step draws far fewer than the 2^192 numbers that lie between two counters.
    stream = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, int(step) % 2**64]))
    stream.random(out=drawn, dtype=np.float32)
    xp.greater_equal(drawn, p, out=out, casting="unsafe")
    xp.multiply(out, 1.0 / (1.0 - p), out=out)
