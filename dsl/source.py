"""Places in a text file: where a thing was written, and the line to show for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text. Lines and columns count from 1, columns in characters.

    end_column is one past the last character; text is the whole first line, without its newline.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def until(self, end: Span) -> Span:
        """From where this span starts to where the other one ends."""
        return Span(self.file, self.line, self.column, end.end_line, end.end_column, self.text)

    @property
    def snippet(self) -> str:
        """The text under the span; of several lines, the first."""
        stop = self.end_column - 1 if self.end_line == self.line else len(self.text)
        return self.text[self.column - 1 : stop]
