"""Diagnostics as text for people and as data for editors. Knows nothing of terminals but their width."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dsl.characters import is_hidden
from dsl.errors import Diagnostic
from dsl.source import Span

IN_FULL = 5  # errors that are shown in full; the rest is a count
TAB = "    "
WINDOW = 1000  # characters on either side of a place
_JOINS = re.compile("(?<=[^\\x00-\\x7f])[\\u200c\\u200d](?=[^\\x00-\\x7f])")
_BOLD, _RED, _YELLOW, _BLUE, _CYAN = "1", "1;31", "1;33", "1;34", "36"


def show(text: str) -> str:
    """Text of a file, safe on a terminal and unmistakable: control, direction and escape characters are written out.

    What joins letters of Persian or Hindi, or the people of an emoji, stays between them.
    """
    if text.isascii() and text.isprintable():
        return text
    joins = {found.start() for found in _JOINS.finditer(text)}
    return "".join(character if at in joins else _shown(character) for at, character in enumerate(text))


def columns(text: str) -> int:
    """How many columns of a terminal the text takes: 2 for a wide character, 0 for a combining one."""
    return len(text) if text.isascii() else sum(map(_width, text))


def render(diagnostics: Iterable[Diagnostic], width: int = 100, color: bool = False) -> str:
    """The diagnostics as they are shown, the first five in full. Ends with a newline; empty for none.

    width: columns of the terminal; longer lines are cut around the place, or folded
    color: with ANSI escapes
    """
    several = tuple(diagnostics)
    pages = [_one(diagnostic, max(width, 20), _Paint(color)) for diagnostic in several[:IN_FULL]]
    if len(several) > IN_FULL:
        rest = several[IN_FULL:]
        pages.append(f"and {_count(rest)}\n")
    return "\n".join(pages)


def to_json(diagnostic: Diagnostic) -> dict[str, object]:
    """The same as data: `file`, `line`, `column` and the ends are null where there is no place."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "label": diagnostic.label,
        "notes": [{**_place(note.span), "text": note.text} for note in diagnostic.notes],
        "help": diagnostic.help,
    }


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return {"file": None, "line": None, "column": None, "end_line": None, "end_column": None}
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    parts = [f"{n} more {word}{'s' * (n != 1)}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return " and ".join(parts)


@dataclass(frozen=True)
class _Paint:
    color: bool

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and text else text


@dataclass(frozen=True)
class _Mark:
    """A stretch of one line with what is said of it; the main one has carets."""

    span: Span
    text: str
    main: bool


def _one(diagnostic: Diagnostic, width: int, paint: _Paint) -> str:
    tone = _RED if diagnostic.severity == "error" else _YELLOW
    head = f"{diagnostic.severity}[{diagnostic.code}]"
    first, *more = _folded(f"{head}: {show(_shortened(diagnostic.message))}", width, "  ")
    painted = paint(tone, head) + paint(_BOLD, first[len(head) :]) if first.startswith(head) else first
    out = [painted, *(paint(_BOLD, line) for line in more)]
    marks = [_Mark(note.span, note.text, False) for note in diagnostic.notes]
    if diagnostic.span is not None:
        marks.append(_Mark(diagnostic.span, diagnostic.label, True))
        gutter = max(2, *(len(str(mark.span.line)) for mark in marks))
        place = f"{show(diagnostic.span.file)}:{diagnostic.span.line}:{diagnostic.span.column}"
        out.append(" " * gutter + paint(_BLUE, "--> ") + place)
        out += _source(marks, diagnostic.span.file, gutter, width, paint, tone)
    else:
        gutter = 2
        out += _source(marks, "", gutter, width, paint, tone)
    if diagnostic.help:
        lead = " " * (gutter + 1) + "= help: "
        first, *more = _folded(
            lead + show(_shortened(diagnostic.help)), width, " " * (len(lead) if width >= 60 else gutter + 3)
        )
        out += [paint(_BLUE, first[: gutter + 2]) + first[gutter + 2 :], *more]
    return "\n".join(line.rstrip() for line in out) + "\n"


def _source(marks: list[_Mark], main_file: str, gutter: int, width: int, paint: _Paint, tone: str) -> list[str]:
    """The lines that the marks stand on, in order, each with its marks below; other files after the main one."""
    out: list[str] = []
    bar = paint(_BLUE, " " * gutter + " |")
    files = sorted({mark.span.file for mark in marks}, key=lambda file: (file != main_file, file))
    for file in files:
        here = sorted((m for m in marks if m.span.file == file), key=lambda m: (m.span.line, m.main, m.span.column))
        if file != main_file:
            out.append(" " * gutter + paint(_BLUE, "::: ") + f"{show(file)}:{here[0].span.line}:{here[0].span.column}")
        out.append(bar)
        shown: int | None = None
        for mark in here:
            line, under, at = _cut(mark.span, max(width - gutter - 3, 10))
            if mark.span.line != shown or line.startswith("…") or line.endswith("…"):
                if shown is not None and mark.span.line > shown + 1:
                    out.append(paint(_BLUE, "..."))
                shown = mark.span.line
                number = paint(_BLUE, f"{mark.span.line:>{gutter}} |")
                out.append(f"{number} {line}")
            sign = paint(tone if mark.main else _CYAN, ("^" if mark.main else "-") * under)
            pad = " " * at
            text = show(_shortened(mark.text))
            room = width - gutter - 3 - at - under - 1
            if not text or columns(text) <= room:
                out.append(f"{bar} {pad}{sign} {paint(tone if mark.main else _CYAN, text)}")
            else:
                indent = min(at, max(0, width - gutter - 3 - 30))
                folded = _folded(" " * indent + text, max(width - gutter - 3, 10), " " * indent)
                out.append(f"{bar} {pad}{sign}")
                out += [f"{bar} {paint(tone if mark.main else _CYAN, part)}" for part in folded]
    return out


def _shortened(text: str) -> str:
    """Both ends of a text that quotes too much: a field of a file may have a million characters."""
    return text if len(text) <= WINDOW else f"{text[: WINDOW // 2]}…{text[-WINDOW // 2 :]}"


def _cut(span: Span, room: int) -> tuple[str, int, int]:
    """The span's line in at most room columns, how many columns the mark takes (at least 1), and where it starts."""
    start = min(span.column - 1, len(span.text))
    stop = min(span.end_column - 1, len(span.text)) if span.end_line == span.line else len(span.text)
    # A line may have a million characters: no more of it is looked at than can matter.
    near, far = max(0, start - WINDOW), min(len(span.text), stop + WINDOW)
    before = [_cell(character) for character in span.text[near:start]]
    marked = [_cell(character) for character in span.text[start : min(stop, start + WINDOW)]]
    after = [_cell(character) for character in span.text[stop:far]]
    left = right = ""
    if near or far < len(span.text) or stop > start + WINDOW or _total([*before, *marked, *after]) > room:
        marked, lost = _fitting(marked, room - 2)
        lost = lost or stop > start + WINDOW
        if lost:
            after = []
        spare = room - _total(marked) - 2
        kept = _fitting(before[::-1], max(spare // 2, spare - _total(after)))[0][::-1]
        left, before = ("…" if near or len(kept) < len(before) else ""), kept
        kept = _fitting(after, spare - _total(before))[0]
        right, after = ("…" if far < len(span.text) or len(kept) < len(after) or lost else ""), kept
    line = left + "".join((*before, *marked, *after)) + right
    return line, max(_total(marked), 1), len(left) + _total(before)


def _fitting(cells: list[str], room: int) -> tuple[list[str], bool]:
    """As many cells as fit, and whether some are left."""
    used = 0
    for i, cell in enumerate(cells):
        used += columns(cell)
        if used > room:
            return cells[:i], True
    return cells, False


def _total(cells: Sequence[str]) -> int:
    return sum(map(columns, cells))


def _cell(character: str) -> str:
    return TAB if character == "\t" else _shown(character)


def _shown(character: str) -> str:
    if character.isprintable() and not is_hidden(character):
        return character
    if unicodedata.category(character) == "Zs":
        return character
    escapes = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    code = ord(character)
    return escapes.get(character) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _folded(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most width columns, the later ones indented."""
    if columns(text) <= width:
        return [text]
    fold = textwrap.TextWrapper(
        max(width // (2 if columns(text) > len(text) * 1.5 else 1), len(indent) + 8),
        subsequent_indent=indent,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return fold.wrap(text) or [text]
