"""The bits of `numpy.random.Philox`, as `runtime.kernels.philox` has them, for one block of eight numbers at a time."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from runtime.kernels.philox import MULTIPLIERS, ROUNDS, WEYL

Number = Any

OPTIONS: dict[str, Any] = {"nogil": True, "forceinline": True, "error_model": "numpy"}

FIRST, SECOND = (np.uint64(m) for m in MULTIPLIERS)
GROWS, GROWS_TOO = (np.uint64(w) for w in WEYL)


@intrinsic
def _upper(_: Any, x: Any, y: Any) -> Any:
    """The upper 64 bits of a product."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(each, wide) for each in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    u64 = numba.types.uint64
    return u64(u64, u64), generated


def philox_of(view: Any) -> Any:
    """(address, block, last, key): writes 4 u64, those of the block of that number in the stream that begins behind
    counter [0, 0, 0, last].

    view: address, length -> an array of u64
    """
    upper = _upper

    @numba.njit(**OPTIONS)
    def philox(address: Number, block: Number, last: Number, key: Number) -> None:
        k0, k1 = np.uint64(key[0]), np.uint64(key[1])
        c0, c1, c2, c3 = np.uint64(block), np.uint64(0), np.uint64(0), np.uint64(last)
        for _ in range(ROUNDS):
            high0, low0 = upper(c0, FIRST), c0 * FIRST
            high1, low1 = upper(c2, SECOND), c2 * SECOND
            c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
            k0, k1 = k0 + GROWS, k1 + GROWS_TOO
        out = view(address, 4)
        out[0], out[1], out[2], out[3] = c0, c1, c2, c3

    return philox
