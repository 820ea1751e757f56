"""How much is fuzzed, and from which seed: a fresh one each run, said in every failure."""

from __future__ import annotations

import os
import random

CASES = int(os.environ.get("NNC_FUZZ", "0"))
SEED = int(os.environ.get("NNC_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


def seeds(fast: int) -> range:
    """Seeds of so many cases; of NNC_FUZZ cases where that is set. NNC_SEED repeats a run."""
    return range(SEED, SEED + (CASES or fast))
