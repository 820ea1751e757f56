"""The bits of `numpy.random.Philox`, computed by array operations: what a device draws is what the host draws.

Philox 4x64 with 10 rounds, of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. No constant has
more than 32 bits and no product more than 64, so that any namespace with uint64 computes them.
"""

from __future__ import annotations

from runtime.backend import Array, Xp

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
"""What a key grows by in each round."""

ROUNDS = 10
LOW = 2**32 - 1


def words(xp: Xp, count: int, key: tuple[Array, Array], last: Array) -> Array:
    """The first so many 32-bit words, u32, of the stream that begins at counter [0, 0, 0, last].

    key, last: u64[1]
    """
    blocks = -(-count // 8)
    rounds = xp.arange(ROUNDS, dtype=xp.uint64)
    keys = [rounds * number(xp, weyl) + start for weyl, start in zip(WEYL, key, strict=True)]
    zero = xp.zeros(1, dtype=xp.uint64)
    # NumPy counts before it makes a block.
    c0, c1, c2, c3 = xp.arange(1, blocks + 1, dtype=xp.uint64), zero, zero, last
    for i in range(ROUNDS):
        high0, low0 = _product(c0, MULTIPLIERS[0])
        high1, low1 = _product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ keys[0][i : i + 1], low1, high0 ^ c3 ^ keys[1][i : i + 1], low0
    whole = xp.empty((blocks, 4), dtype=xp.uint64)
    for i, each in enumerate((c0, c1, c2, c3)):
        whole[:, i] = each
    # The low half of a number comes first, as in memory.
    return whole.reshape(-1).view(xp.uint32)[:count]


def uniform(xp: Xp, out: Array, key: tuple[Array, Array], last: Array) -> None:
    """As `Generator.random(out=out)` of float32: the upper 24 bits of a word."""
    drawn = words(xp, out.size, key, last) >> 8
    xp.multiply(drawn.astype(xp.float32).reshape(out.shape), 2.0**-24, out=out)


def number(xp: Xp, value: int) -> Array:
    """u64[1] from a number of up to 64 bits."""
    return (xp.full(1, value >> 32, dtype=xp.uint64) << 32) | (value & LOW)


def _product(x: Array, factor: int) -> tuple[Array, Array]:
    """The upper and the lower 64 bits of it."""
    high, low = factor >> 32, factor & LOW
    x_high, x_low = x >> 32, x & LOW
    small, one, other = x_low * low, x_low * high, x_high * low
    middle = (small >> 32) + (one & LOW) + (other & LOW)
    return x_high * high + (one >> 32) + (other >> 32) + (middle >> 32), (middle << 32) | (small & LOW)
