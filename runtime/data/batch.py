"""What one step is fed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.data.rows import Array


@dataclass(frozen=True)
class Batch:
    """Rows, padded to one length.

    arrays: by port its data (ids i64[B, T] or i64[B], numbers [B, n], pictures [B, h, w, c] from 0 to 1, labels
        i64[B]); `lengths.T` i64[B] for each text input;
        of words that are spelled what `Rows.spell` says
    sizes: `B`, and each text input's padded length; of spelled words how many there are, and their padded length
    count: rows, of a stream positions; rows: which these are
    """

    arrays: dict[str, Array]
    sizes: dict[str, int]
    count: int
    rows: NDArray[np.int64]
