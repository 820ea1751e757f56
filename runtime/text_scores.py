"""How good written texts are: pure functions of what was written and what should have been."""

from __future__ import annotations

from collections.abc import Sequence


def exact_match(written: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """The share of texts whose tokens are all right; NaN of none."""
    if not references:
        return float("nan")
    return sum(list(a) == list(b) for a, b in zip(written, references, strict=True)) / len(references)


def is_chinese(texts: Sequence[str]) -> bool:
    """Whether most characters, spaces aside, are ideographs."""
    total = sum(len(text) - text.count(" ") for text in texts)
    return 2 * sum("\u4e00" <= c <= "\u9fff" for text in texts for c in text) > total
