"""Pictures moved a little each time that they are trained on: mirrored, and shifted."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Augment
from runtime.data.rows import Array

PURPOSE = "moves of pictures"


@dataclass(frozen=True)
class Moves:
    """Of each row of the data: whether its picture is mirrored, and by how many pixels it goes down and to the right.

    mirrored: bool[rows]; down, right: i64[rows], from -crop to crop
    """

    mirrored: NDArray[np.bool_]
    down: NDArray[np.int64]
    right: NDArray[np.int64]

    def moved(self, pictures: Array, rows: NDArray[np.int64], outside: int = 0) -> Array:
        """The pictures [n, h, w, c], or labels of pixels [n, h, w], of these rows, moved; outside where nothing came
        from. A new array."""
        result = np.full_like(pictures, outside)
        height, width = pictures.shape[1:3]
        for old, new, row in zip(pictures, result, rows.tolist(), strict=True):
            turned = old[:, ::-1] if self.mirrored[row] else old
            down, right = int(self.down[row]), int(self.right[row])
            new[_to(down, height), _to(right, width)] = turned[_to(-down, height), _to(-right, width)]
        return result


def _to(shift: int, size: int) -> slice:
    """Where an axis has something once it is shifted."""
    return slice(max(shift, 0), size + min(shift, 0))


def moves_of(augment: Augment, count: int, seed: int, epoch: int) -> Moves:
    """Drawn for all rows at once, so that neither the batches nor where a run is resumed can change them."""
    key = np.frombuffer(sha256(f"{PURPOSE}/{seed}/{epoch}".encode()).digest()[:16], "<u8")
    bits = np.random.Philox(key=key.astype(np.uint64)).random_raw(3 * count).reshape(3, count)
    span = np.uint64(2 * augment.crop + 1)
    mirrored = (bits[0] >> np.uint64(63)).astype(bool) & augment.flip
    # Of 64 bits the remainder is as good as even.
    down, right = ((each % span).astype(np.int64) - augment.crop for each in bits[1:])
    return Moves(mirrored, down, right)
