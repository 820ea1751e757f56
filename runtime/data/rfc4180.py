"""CSV by RFC 4180: commas, and double quotes around a field that holds a comma, a quote (doubled) or a newline.

Python's own reader takes whatever comes: a stray quote swallows rows. Here each is an error with its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsl.errors import Diagnostic, Note
from runtime.data.files import TextFile, span_at
from runtime.data.problems import Problems


@dataclass(frozen=True)
class _Field:
    """text[begin:end] as written, quotes included, and what it says."""

    value: str
    begin: int
    end: int


@dataclass(frozen=True)
class _Slip:
    """What is wrong with a record, and where. opened: where the quote before it was opened, -1 if there is none."""

    at: int
    opened: int
    unclosed: bool = False


def parse(file: TextFile, problems: Problems) -> Iterator[tuple[list[str], int]]:
    """Each row, and the number of its first line, from 0. A record that is wrong is left out, with an error."""
    text = file.text
    at = line_number = 0
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        line = text[at:stop]
        if '"' not in line:
            yield line.split(","), line_number
            at = stop + 1
            line_number += 1
            continue
        fields, after, slip = _record(text, at)
        if slip is None:
            yield [field.value for field in fields], line_number
        else:
            problems.add(_diagnostic(file, slip))
        line_number += text.count("\n", at, after)
        at = after


def bounds(text: str, start: int, field: int) -> tuple[int, int]:
    """Where a field of the row at start begins and ends, its quotes included; past the last one, the end of the row."""
    fields, _, _ = _record(text, start)
    if field < len(fields):
        return fields[field].begin, fields[field].end
    end = fields[-1].end if fields else start
    return end, end


def _record(text: str, start: int) -> tuple[list[_Field], int, _Slip | None]:
    """The fields of the record at start, where the next one starts, and what is wrong with it."""
    fields: list[_Field] = []
    at = start
    stop = _line_end(text, start)
    while True:
        if at < len(text) and text[at] == '"':
            close = _closing(text, at)
            if close < 0:
                return fields, len(text), _Slip(at, at, unclosed=True)
            end = close + 1
            fields.append(_Field(text[at + 1 : close].replace('""', '"'), at, end))
            if end > stop:
                stop = _line_end(text, end)
            if end < stop and text[end] != ",":
                return fields, stop + 1, _Slip(end, at)
        else:
            # The line's end is known, so a search never runs on into the rest of the file.
            comma = text.find(",", at, stop)
            end = stop if comma < 0 else comma
            quote = text.find('"', at, end)
            if quote >= 0:
                return fields, stop + 1, _Slip(quote, -1)
            fields.append(_Field(text[at:end], at, end))
        if end >= stop:
            return fields, stop + 1, None
        at = end + 1


def _line_end(text: str, at: int) -> int:
    stop = text.find("\n", at)
    return len(text) if stop < 0 else stop


def _closing(text: str, opening: int) -> int:
    """The quote that closes the one at opening, or -1; a doubled one stands for a quote."""
    at = text.find('"', opening + 1)
    while at >= 0 and text.startswith('"', at + 1):
        at = text.find('"', at + 2)
    return at


def _diagnostic(file: TextFile, slip: _Slip) -> Diagnostic:
    text = file.text
    span = span_at(file.name, text, slip.at, slip.at + 1)
    doubled = 'a quote inside a quoted field is written twice: "she said ""no"""'
    if slip.unclosed:
        return Diagnostic(
            "NN709",
            "this quote is never closed",
            span,
            "opened here",
            help=f"close it before the next comma; {doubled}; a file without quoting is TSV",
        )
    if slip.opened < 0:
        return Diagnostic(
            "NN708",
            "a quote stands inside a field that has none around it",
            span,
            help=f"put the whole field in quotes; {doubled}; a file without quoting is TSV",
        )
    return Diagnostic(
        "NN708",
        "after a closing quote, a comma or the end of the line must follow",
        span,
        notes=(Note(span_at(file.name, text, slip.opened, slip.opened + 1), "the quote was opened here"),),
        help=doubled,
    )
