"""Places in a text file: where a thing was written, and the line to show for it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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

    @property
    def snippet(self) -> str:
        """The text under the span; of several lines, the first."""
        stop = self.end_column - 1 if self.end_line == self.line else len(self.text)
        return self.text[self.column - 1 : stop]


def shown(path: Path) -> str:
    """A path as short as it can be said: from the working directory, where it lies below that."""
    text = os.path.normpath(path)
    try:
        below = os.path.relpath(text)
    except ValueError:
        return text
    return text if below.startswith("..") else below
