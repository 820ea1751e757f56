"""The canonical layout of a spec: spacing, indentation and blank lines; the author's lines and comments stay.

Works on tokens, so that no comment can be lost, and knows from the parser that they are in order. A pair of braces that
the author wrote on one line stays there while the line has at most 100 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dsl.lexical import Token
from dsl.parse import parse, tokenize
from dsl.render import columns
from dsl.spacing import spaces
from dsl.structure import CLOSING, OPENING, following, goes_on

WIDTH = 100
INDENT = 2


def format_spec(text: str, file: str) -> str:
    """The same spec, laid out: it parses to the same AST, and formatting it again changes nothing.

    Raises SpecError where the spec does not parse.
    """
    parse(text, file)
    _, tokens = tokenize(text, file)
    gaps = spaces(tokens)
    breaks = _authors_breaks(tokens)
    while True:  # each round breaks a level of braces, of which there are at most 64
        lines = _Layout(tokens, gaps, breaks).lines
        more = {i for line in lines if columns(line.text) > WIDTH for i in line.may_break} - breaks
        if not more:
            return "".join(f"{line.text}{line.comment}".rstrip() + "\n" for line in lines)
        breaks |= more


def _authors_breaks(tokens: Sequence[Token]) -> set[int]:
    """The braces with a newline between them, by the index of `{`, and each `;` at the end of a line."""
    breaks: set[int] = set()
    opened: list[int] = []
    for i, token in enumerate(tokens):
        if token.text == "{":
            opened.append(i)
        elif token.text == "}":
            opened.pop()
        elif token.kind == "newline":
            breaks.update(opened)
        elif token.text == ";" and tokens[i + 1].kind in ("newline", "comment"):
            breaks.add(i)
    return breaks


@dataclass
class _Line:
    """A line in the making.

    comment: with the spaces before it
    separators: the `;` between the line's own statements, by index
    braces: its outermost braces and the `;` in them
    """

    indent: int = 0
    text: str = ""
    comment: str = ""
    separators: set[int] = field(default_factory=set[int])
    braces: set[int] = field(default_factory=set[int])

    @property
    def may_break(self) -> set[int]:
        """Where it is broken if it is too long."""
        return self.separators or self.braces


@dataclass
class _Frame:
    """An open bracket, or the file: the indent of its line, whether its statements stand on lines of their own, and
    whether one in it is unfinished."""

    text: str
    indent: int
    broken: bool
    in_statement: bool = False


class _Layout:
    """One walk over the tokens, with the places to break given.

    breaks: indices of `{` whose statements stand on lines of their own, and of `;` that become newlines
    """

    def __init__(self, tokens: Sequence[Token], gaps: Sequence[bool], breaks: set[int]) -> None:
        self.lines: list[_Line] = []
        self.line = _Line()
        self.newlines = 0  # since the last line that is not empty
        self.frames = [_Frame("", -INDENT, True)]
        self.breaks = breaks
        before: Token | None = None
        after = following(tokens)
        for i, token in enumerate(tokens):
            if token.kind == "newline":
                self._end_line(1)
                frame = self.frames[-1]
                if frame.text in ("", "{") and (before is None or after[i] is None or not goes_on(before, after[i])):
                    frame.in_statement = False
            elif token.kind == "comment":
                self._comment(token.text.rstrip())
            else:
                self._token(i, token, gaps[i], after[i], tokens[i + 1].kind == "comment")
                before = token
        self._end_line(1)

    def _token(self, i: int, token: Token, gap: bool, after: Token | None, comment_follows: bool) -> None:
        frame = self.frames[-1]
        if token.text == ";":
            self._separator(i, frame, after, comment_follows)
            return
        if token.text == "}" and frame.broken:
            self._end_line(0)
        self._start_line(closes=token.text in CLOSING)
        if token.text in CLOSING:
            self.frames.pop()
        frame = self.frames[-1]
        frame.in_statement = True
        self._write(token.text, gap)
        if token.text in OPENING:
            broken = i in self.breaks
            # A declaration's body is indented from its first line, also where the heading goes on in a second.
            body = len(self.frames) == 1 and token.text == "{"
            self.frames.append(_Frame(token.text, 0 if body else self.line.indent, broken))
            if broken and not comment_follows:
                self._end_line(0)
            elif token.text == "{" and after is not None and after.text != "}" and self._outermost():
                self.line.braces.add(i)

    def _outermost(self) -> bool:
        """Whether the innermost open brace stands in no other that is on one line."""
        return all(frame.broken or frame.text != "{" for frame in self.frames[:-1])

    def _separator(self, i: int, frame: _Frame, after: Token | None, comment_follows: bool) -> None:
        frame.in_statement = False
        if after is not None and after.text == "}":
            return
        if i in self.breaks:
            if not comment_follows:
                self._end_line(0)
            return
        self._write(";", True)
        if frame.broken:
            self.line.separators.add(i)
        elif self._outermost():
            self.line.braces.add(i)

    def _comment(self, text: str) -> None:
        if self.line.text:
            self.line.comment = f"  {text}"
        else:
            self._start_line(closes=False)
            self.line.comment = " " * self.line.indent + text

    def _write(self, text: str, gap: bool) -> None:
        if not self.line.text:
            self.line.text = " " * self.line.indent + text
        else:
            self.line.text += f" {text}" if gap else text

    def _start_line(self, closes: bool) -> None:
        """Indents the line, if nothing stands in it yet, and keeps one blank line before it."""
        if self.line.text or self.line.comment:
            return
        frame = self.frames[-1]
        self.line.indent = frame.indent if closes else frame.indent + INDENT
        if frame.text in ("", "{") and frame.in_statement and not closes:
            self.line.indent += INDENT
        opened = not self.lines or self.lines[-1].text.endswith(("{", "(", "["))
        if self.newlines > 1 and not closes and not opened and frame.text in ("", "{"):
            self.lines.append(_Line())
        self.newlines = 0

    def _end_line(self, newlines: int) -> None:
        if self.line.text or self.line.comment:
            self.lines.append(self.line)
            self.line = _Line()
            self.newlines = 0
        self.newlines += newlines
