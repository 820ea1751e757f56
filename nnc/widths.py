"""Text in so many columns of a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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


def aligned(rows: Sequence[Sequence[str]], width: int, *, left: Collection[int], spare: Sequence[int]) -> list[str]:
    """The rows in columns. left: those that stand on the left; spare: those that go, in this order, where all are too
    wide; what is too wide still is cut"""
    kept = list(range(len(rows[0])))
    widths = [max(columns(row[i]) for row in rows) for i in kept]
    for column in spare:
        if sum(widths[i] for i in kept) + 2 * (len(kept) - 1) > width:
            kept.remove(column)
    lines: list[str] = []
    for row in rows:
        cells = [_padded(row[i], widths[i], i in left) for i in kept]
        lines.append(cut("  ".join(cells).rstrip(), width))
    return lines


def _padded(text: str, width: int, left: bool) -> str:
    space = " " * (width - columns(text))
    return text + space if left else space + text
