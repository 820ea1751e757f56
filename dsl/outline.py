"""Where a token stands: in which brackets, which statement, which declaration. For syntax errors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from dsl.lexical import Token, significant
from dsl.structure import CLOSING, OPENING, goes_on

SPECIAL = frozenset(["model", "block", "cell", "use", "let"])  # what else starts a declaration is a section


@dataclass(frozen=True)
class Place:
    """The surroundings of a token.

    found: None at the end of the file; a newline where a line ends too early
    before, after: its neighbours, newlines and comments left out
    brackets: the open ones, outermost first
    owner: what the innermost open `{` belongs to: the first token of that statement or declaration
    declaration, statement: the tokens of each that stand before found, from its first; what stands in brackets is a
        statement of its own there
    extent: from where to where the text is left out so that parsing can go on: the statement in the innermost braces
        with the `;` after it, or else the whole declaration
    """

    found: Token | None
    before: Token | None
    after: Token | None
    brackets: tuple[Token, ...]
    owner: Token | None
    declaration: tuple[Token, ...]
    statement: tuple[Token, ...]
    extent: tuple[int, int]

    @property
    def inside(self) -> str:
        """The innermost open bracket, or nothing."""
        return self.brackets[-1].text if self.brackets else ""

    @property
    def head(self) -> str:
        """The first word of the declaration."""
        return self.declaration[0].text if self.declaration else ""

    @property
    def in_section(self) -> bool:
        """Whether this is an entry of a section, not a statement."""
        return len(self.brackets) == 1 and self.inside == "{" and self.head not in SPECIAL

    @property
    def in_heading(self) -> bool:
        """Whether no brace is open: a heading, or between declarations."""
        return all(bracket.text != "{" for bracket in self.brackets)


@dataclass
class _Open:
    """An open bracket, and the index of the first token of the statement that is being read in it."""

    opener: Token | None
    first: int

    @property
    def holds_statements(self) -> bool:
        return self.opener is None or self.opener.text == "{"


def place(tokens: Sequence[Token], start: int, at_newline: bool) -> Place:
    """The surroundings of the token at offset start; of the newline at or after it, if at_newline.

    The brackets must match.
    """
    solid = significant(tokens)
    index = bisect_right([token.start for token in solid], start)
    if index and start < solid[index - 1].start + len(solid[index - 1].text):
        index -= 1
    opened = [_Open(None, 0)]
    owners: list[int] = []  # for each open bracket, the first token of the statement that it stands in
    for i in range(index):
        if opened[-1].holds_statements and _ends_line(solid, i):
            opened[-1].first = i
        token = solid[i]
        if token.text in OPENING:
            owners.append(opened[-1].first)
            opened.append(_Open(token, i + 1))
        elif token.text in CLOSING:
            opened.pop()
            owners.pop()
        elif token.text == ";" and opened[-1].holds_statements:
            opened[-1].first = i + 1
    if not at_newline and opened[-1].holds_statements and _ends_line(solid, index):
        opened[-1].first = index
    found = solid[index] if index < len(solid) else None
    if at_newline:
        found = next((token for token in tokens if token.kind == "newline" and token.start >= start), None)
    following = index if at_newline else index + 1
    braces = [i for i, each in enumerate(opened) if each.holds_statements]
    return Place(
        found,
        solid[index - 1] if index else None,
        solid[following] if following < len(solid) else None,
        tuple(each.opener for each in opened if each.opener is not None),
        solid[owners[braces[-1] - 1]] if braces[-1] else None,
        solid[opened[0].first : index],
        solid[opened[-1].first : index],
        _extent(solid, index, opened[braces[-1]], len(opened) - 1 - braces[-1], at_newline),
    )


def _ends_line(solid: Sequence[Token], i: int) -> bool:
    """Whether a statement ends at the newline before a token."""
    return 0 < i < len(solid) and solid[i].line > solid[i - 1].line and not goes_on(solid[i - 1], solid[i])


def _extent(solid: Sequence[Token], index: int, around: _Open, depth: int, at_newline: bool) -> tuple[int, int]:
    """depth: of the token within the statement."""
    begin = solid[around.first].start if around.first < len(solid) else 0
    for i in range(index, len(solid)):
        token = solid[i]
        if depth == 0:
            if (i > index or at_newline) and _ends_line(solid, i):
                return begin, solid[i - 1].start + len(solid[i - 1].text)
            if token.text == ";" and around.opener is not None:
                return begin, token.start + 1
        if token.text in OPENING:
            depth += 1
        elif token.text in CLOSING:
            if depth == 0:
                return min(begin, token.start), token.start
            depth -= 1
    return begin, solid[-1].start + len(solid[-1].text) if solid else begin
