"""Did you mean: the right name for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_WORD = 60
SHORTEST_BEGINNING = 4
"""Shorter names begin too many words that have nothing to do with them."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a slip of the finger turns into word: one slip in up to four characters, two in up to eight,
    three in more. None where nothing is that near. Of several equally near, the first in the alphabet. Failing that,
    the longest candidate that word begins with: `embedding` is embed, `batch_size` is batch."""
    allowed = 1 if len(word) <= 4 else 2 if len(word) <= 8 else 3
    if len(word) > LONGEST_WORD:
        return None
    candidates = tuple(candidates)
    best: tuple[int, str] | None = None
    for candidate in candidates:
        if candidate == word or abs(len(candidate) - len(word)) > allowed:
            continue
        slips = 0 if candidate.lower() == word.lower() else distance(word, candidate)
        if slips < max(len(word), len(candidate)) and slips <= allowed and (best is None or (slips, candidate) < best):
            best = slips, candidate
    return best[1] if best else _beginning(word, candidates)


def _beginning(word: str, candidates: Iterable[str]) -> str | None:
    plain = word.lower().replace("_", "")
    begun = [c for c in candidates if c != word and len(c) >= SHORTEST_BEGINNING and plain.startswith(c.lower())]
    return min(begun, key=lambda c: (-len(c), c), default=None)


def distance(a: str, b: str) -> int:
    """How many characters are missing, too many, wrong or swapped with their neighbour (optimal string alignment)."""
    before, last = list[int](), list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            slips = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                slips = min(slips, before[j - 2] + 1)
            row.append(slips)
        before, last = last, row
    return last[-1]
