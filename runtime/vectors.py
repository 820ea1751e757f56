"""Word vectors: the rows of a table out of a file in the text form of word2vec and GloVe, read in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from dsl.errors import DataError, Diagnostic, Note
from dsl.render import show
from dsl.source import Span, shown
from runtime.backend import Array
from runtime.data.files import opened

LONGEST_WORD = 1 << 16
"""Bytes of a word and its line's end; longer ones only occur in files that are no text."""
LONGEST_NUMBER = 64
FORM = "each line is a word and its numbers, with one space between: the text form of word2vec and GloVe"


def fill(table: Array, ids: Mapping[str, int], path: Path, span: Span | None) -> list[int]:
    """Writes the file's vectors into the rows of the words that it has, and says which rows these are, in order.

    table: [n, width]; ids: each word's row; what the file lacks stays as it is
    span: the layer that asked for the file

    A first line of two whole numbers, how many vectors there are and how wide, is word2vec's. `.gz` is unpacked. The
    file may be larger than memory. Of a word that comes twice the first counts. Words may hold spaces. Every line must
    have as many numbers as the table is wide; they are looked at only for words that are wanted.

    Raises DataError: NN750 vectors of another width, NN751 a line that is none, NN752 what is no finite number, NN702
    and NN705 for a file that cannot be read.
    """
    reader = _Reader(table, {word.encode(): i for word, i in ids.items()}, shown(path), span)
    with opened(path, span) as file:
        return reader.read(file)


@dataclass
class _Reader:
    table: Array
    wanted: dict[bytes, int]
    name: str
    span: Span | None
    line: int = 0
    seen: set[int] = field(default_factory=set[int])

    @property
    def width(self) -> int:
        return self.table.shape[1]

    def read(self, file: IO[bytes]) -> list[int]:
        promised, count = None, 0
        for line in self._lines(file):
            if self.line == 1:
                promised = self._promised(line)
                if promised is not None:
                    continue
            if not count:
                self._first(line)
            self._one(line)
            count += 1
        if not count and not promised:
            raise self._wrong("NN751", "there is no vector in the file", b"", FORM)
        if promised is not None and promised != count:
            message = f"its first line says {promised:,} vectors, and it has {count:,}"
            whole = promised < count
            help = "correct its first line, or leave it out" if whole else "fetch it again: it is not whole"
            raise self._wrong("NN751", message, b"", help)
        return sorted(self.seen)

    def _lines(self, file: IO[bytes]) -> Iterator[bytes]:
        longest = LONGEST_WORD + LONGEST_NUMBER * (self.width + 1)
        while line := file.readline(longest):
            self.line += 1
            if len(line) == longest and not line.endswith(b"\n"):
                raise self._wrong("NN751", f"the line is longer than {longest:,} bytes", line, FORM)
            if self.line == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            # word2vec writes a space behind the last number.
            line = line.rstrip(b"\r\n").removesuffix(b" ")
            if line:
                yield line

    def _promised(self, line: bytes) -> int | None:
        """How many vectors word2vec's first line says there are; None where the first line is a vector."""
        parts = line.split(b" ")
        if len(parts) != 2 or not all(p.isdigit() and len(p) < 19 for p in parts):
            return None
        if int(parts[1]) != self.width:
            raise self._other_width(int(parts[1]), line)
        return int(parts[0])

    def _first(self, line: bytes) -> None:
        """The first vector tells a file of another width from one with a wrong line."""
        numbers = line.count(b" ")
        if numbers and numbers != self.width and all(_number(p) is not None for p in line.split(b" ")[1:]):
            raise self._other_width(numbers, line)

    def _one(self, line: bytes) -> None:
        spaces = line.count(b" ")
        if spaces == self.width:
            row = self.wanted.get(line[: line.index(b" ")])
        else:
            word = line.rsplit(b" ", self.width)[0]
            # A word may hold spaces; numbers only are no word.
            if spaces < self.width or all(_number(p) is not None for p in word.split(b" ")[1:]):
                found = f"{spaces} number{'' if spaces == 1 else 's'}"
                raise self._wrong("NN751", f"the line has {found} behind its word, and not {self.width}", line, FORM)
            row = self.wanted.get(word)
        if row is None or row in self.seen:
            return
        parts = line.rsplit(b" ", self.width)[1:]
        numbers = [_number(part) for part in parts]
        if None in numbers:
            part = parts[numbers.index(None)]
            raise self._wrong("NN752", f'"{_text(part)}" is no number', line, FORM, part)
        with np.errstate(over="ignore"):
            self.table[row] = numbers
        # A number may be finite as written and too large for the table.
        if not np.isfinite(self.table[row]).all():
            at = int(np.argmin(np.isfinite(self.table[row])))
            raise self._wrong("NN752", f'"{_text(parts[at])}" is no finite number', line, FORM, parts[at])
        self.seen.add(row)

    def _other_width(self, found: int, line: bytes) -> DataError:
        message = f"{show(self.name)} has vectors of {found:,} numbers, and the layer is {self.width:,} wide"
        text = line.decode("utf-8", "replace")[:1000]
        notes = (Note(Span(self.name, self.line, 1, self.line, len(text) + 1, text), "this line"),)
        return DataError(Diagnostic("NN750", message, self.span, notes=notes, help=f"write embed {found}"))

    def _wrong(self, code: str, message: str, line: bytes, help: str, part: bytes = b"") -> DataError:
        """An error at its place in the file, with the layer that asked for it."""
        text = line.decode("utf-8", "replace")
        column = text.find(part.decode("utf-8", "replace")) + 1 if part else 1
        end = column + max(len(part.decode("utf-8", "replace")), 1)
        # Of a file without lines, where the first would be.
        at = max(self.line, 1)
        place = Span(self.name, at, column, at, end, text[:1000])
        notes = (Note(self.span, "this asks for the file"),) if self.span is not None else ()
        return DataError(Diagnostic(code, message, place, notes=notes, help=help))


def _number(part: bytes) -> float | None:
    """None for what is no number; Python's own form with underscores is none."""
    if b"_" in part or not part:
        return None
    try:
        return float(part)
    except ValueError:
        return None


def _text(part: bytes) -> str:
    return show(part[:40].decode("utf-8", "replace"))
