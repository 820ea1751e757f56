"""The tokens of a spec, with everything that can be wrong with one: found all at once, before the grammar is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from dsl import literals
from dsl.characters import ASCII_FOR, WIDE_SPACES
from dsl.errors import Diagnostic
from dsl.render import show
from dsl.source import Span

Kind: TypeAlias = Literal["name", "next", "number", "string", "symbol", "newline", "comment"]

_PATTERN = re.compile(
    r"""(?P<space>[ \t]+)
      | (?P<slashes>//[^\n]* | /\*(?:[^\n]*?\*/|[^\n]*))
      | (?P<number>(?:[0-9]|\.[0-9])(?:[eE][+-](?=[0-9])|[\w.%])*)
      | (?P<name>(?!\d)[\w\x80-\U0010ffff]+'?)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<comment>\#[^\n]*)
      | (?P<newline>\n)
      | (?P<open>"[^\n]*)
      | (?P<quoted>'[^'\n]*'?)
      | (?P<wrong>==+|=>|<=|>=|!=|<-|\*\*|\+\+|-->|&&|\|\||:=|\+=|-=)
      | (?P<symbol>->|[()\[\]{}|;,:=.+\-*/@])
      | (?P<other>.)""",
    re.VERBOSE,
)
_INSTEAD = {
    "==": "a name is given with one `=`",
    "=>": "the arrow is written `->`",
    "<-": "a name is given with `=`",
    ":=": "a name is given with `=`",
    "**": "`*` multiplies; there is no power",
    "||": "one `|` feeds a value to a layer",
}
MOST_ERRORS = 100
MOST_TOKENS = 50_000  # newlines and comments included; about a second of parsing
LONGEST_NAME = 100


class Token(NamedTuple):
    """A token and its place. A tuple, not a dataclass: a file has thousands.

    start: offset in the text; line and column count from 1
    """

    kind: Kind
    text: str
    start: int
    line: int
    column: int


class Source:
    """A file's text with its lines, and spans in it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines = text.split("\n")

    def span(self, token: Token, start: int = 0, stop: int | None = None) -> Span:
        """The place of a token, or of its characters from start to stop."""
        end = len(token.text) if stop is None else stop
        if token.kind == "newline":
            end = 1
        column = token.column + start
        return Span(self.file, token.line, column, token.line, token.column + end, self.lines[token.line - 1])


def scan(source: Source) -> tuple[tuple[Token, ...], tuple[Diagnostic, ...]]:
    """All tokens, comments and newlines among them, and what is wrong with each. Linear in the text's length.

    Stops after MOST_ERRORS, and after one token more than MOST_TOKENS.
    """
    tokens: list[Token] = []
    wrong: list[Diagnostic] = []
    line, line_start = 1, 0
    at, text = 0, source.text
    while at < len(text) and len(tokens) <= MOST_TOKENS and len(wrong) < MOST_ERRORS:
        found = _PATTERN.match(text, at)
        assert found is not None, "the last alternative takes any character"
        kind, word = found.lastgroup or "other", found[0]
        column = at - line_start + 1
        if kind == "name" and not word.isascii():
            word = _name_part(word)
            kind = "name" if word else "other"
            word = word or text[at]
        if kind != "space":
            token = Token(_kind(kind, word), word, at, line, column)
            tokens.append(token)
            wrong += _wrong(source, kind, token)
        at += len(word)
        if kind == "newline":
            line, line_start = line + 1, at
    return tuple(tokens), tuple(wrong)


def significant(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """The tokens that are neither comments nor newlines."""
    return tuple(token for token in tokens if token.kind not in ("comment", "newline"))


def _kind(group: str, word: str) -> Kind:
    match group:
        case "name":
            return "next" if word.endswith("'") else "name"
        case "number" | "string" | "comment" | "newline":
            return group
        case _:
            return "symbol"


def _name_part(word: str) -> str:
    """What of a word may be a name: it ends before the first character that may not stand in one."""
    bare = word.removesuffix("'")
    if bare.isidentifier():
        return word
    if not bare[0].isidentifier():
        return ""
    return bare[: next(i for i, character in enumerate(bare) if not ("_" + character).isidentifier())]


def _wrong(source: Source, kind: str, token: Token) -> list[Diagnostic]:
    match kind:
        case "number":
            return _wrong_number(source, token)
        case "name":
            if len(token.text) <= LONGEST_NAME:
                return []
            message = f"this name has {len(token.text)} characters; the limit is {LONGEST_NAME}"
            return [Diagnostic("NN118", message, source.span(token), help="shorten it")]
        case "string":
            escape = literals.wrong_escape(token.text)
            if escape is None:
                return []
            start, stop, reason = escape
            text = show(token.text[start:stop])
            advice = "a backslash itself is \\\\; paths are written with /"
            return [Diagnostic("NN108", f"the escape {text}: {reason}", source.span(token, start, stop), help=advice)]
        case "open":
            stop = len(token.text.split("#")[0].rstrip())
            message = 'this string is not closed: it has no second " on its line'
            return [Diagnostic("NN107", message, source.span(token, 0, stop), help='end it with "')]
        case "quoted":
            inside = token.text.strip("'")
            return [
                Diagnostic(
                    "NN109",
                    "strings stand in double quotes",
                    source.span(token),
                    help=f'write "{show(inside)}"' if inside else 'write "..."; h\' is the next state of h, in a cell',
                )
            ]
        case "slashes":
            return [Diagnostic("NN116", "a comment starts with `#`", source.span(token, 0, 2), help="write # instead")]
        case "wrong":
            advice = _INSTEAD.get(token.text, _INSTEAD["=="] if token.text.startswith("==") else "")
            advice = advice or "the operators are + - * / @ and | ; `=` gives a name, `->` stands before the outputs"
            return [Diagnostic("NN117", f"there is no operator `{token.text}`", source.span(token), help=advice)]
        case "other":
            return [_wrong_character(source, token)]
        case _:
            return []


def _wrong_number(source: Source, token: Token) -> list[Diagnostic]:
    text = token.text
    if literals.NUMBER.fullmatch(text):
        if literals.number(text) is not None:
            return []
        advice = "integers go up to 2^63 - 1, others from about 1e-308 to 1e308"
        shown = text if len(text) <= 30 else f"{text[:27]}..."
        return [Diagnostic("NN106", f"the number {shown} is out of range", source.span(token), help=advice)]
    shown = show(text if len(text) <= 30 else f"{text[:27]}...")
    if text.startswith("."):
        advice = f"write 0{shown}"
    elif re.fullmatch(r"[0-9]+\.", text):
        advice = f"write {shown[:-1]} or {shown}0"
    elif re.fullmatch(r"[0-9][0-9_]*", text):
        advice = f"write {shown.replace('_', '')}"
    elif re.fullmatch(r"[0-9]+(x[0-9]+)+", text):
        advice = f"sizes are a list: {shown.replace('x', ',')}"
    elif re.fullmatch(r"[0-9]+(\.[0-9]*)?[eE]", text):
        advice = "after e stands the exponent: 1e-4"
    elif any(character.isdigit() and not character.isascii() for character in text):
        advice = "digits are 0 to 9"
    elif text[-1:].isalpha():
        advice = "a name starts with a letter; between a number and a name stands a space"
    else:
        advice = "numbers are written 3, 0.5, 1e-4, 10%"
    return [Diagnostic("NN105", f"`{shown}` is not a number", source.span(token), help=advice)]


def _wrong_character(source: Source, token: Token) -> Diagnostic:
    character, span = token.text, source.span(token)
    code = f"U+{ord(character):04X}"
    if character in ASCII_FOR:
        plain = ASCII_FOR[character]
        message = f"`{character}` ({code}) is not ASCII punctuation"
        return Diagnostic("NN103", message, span, help=f"type `{plain}` instead")
    if character in WIDE_SPACES:
        message = f"this space ({code}) is not the ordinary one"
        return Diagnostic("NN103", message, span, help="type an ordinary space instead")
    if character.isdigit() and not character.isascii():
        return Diagnostic("NN105", f"`{show(character)}` ({code}) is not a number", span, help="digits are 0 to 9")
    advice = {
        "%": "a percentage has no space before the sign: 10%",
        "!": "comments start with #",
        "<": "there are no comparisons in a spec",
        ">": "there are no comparisons in a spec; the arrow is written ->",
        "\\": "a line goes on by itself after an operator, a comma, an open bracket or |",
        "^": "there is no power; `*` multiplies",
        "`": "names and words stand without quotes",
        "$": "the name of a constant stands without a sign before it",
    }.get(character, 'a spec is made of names, numbers, "strings" and the signs ( ) [ ] { } | ; , : = . + - * / @ ->')
    return Diagnostic("NN104", f"the character `{show(character)}` ({code}) has no meaning here", span, help=advice)
