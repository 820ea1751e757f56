"""Text in so many columns of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from dsl.render import columns


def packed(parts: Sequence[str], width: int, gap: str) -> list[str]:
    """The parts in as few lines of at most width columns as they take; a part that is wider alone is folded."""
    lines: list[str] = []
    for part in parts:
        if lines and columns(lines[-1]) + columns(gap) + columns(part) <= width:
            lines[-1] += gap + part
        elif columns(part) <= width:
            lines.append(part)
        else:
            lines += [cut(line, width) for line in wrap(part, width, break_long_words=False)]
    return lines


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most width columns, broken between words; those after the first are set in by four."""
    first, *rest = packed(text.split(" "), width - 4, " ")
    return [first.rstrip(), *(f"    {line.strip()}" for line in rest if line.strip())]


def cut(text: str, width: int) -> str:
    """The text in at most width columns, `…` at the end where something is missing."""
    if columns(text) <= width:
        return text
    kept = ""
    for character in text:
        if columns(kept) + columns(character) > width - 1:
            break
        kept += character
    return kept + "…"
