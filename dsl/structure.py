"""What can be told from the tokens alone, before the grammar is asked: version, size, brackets, nesting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsl.errors import Diagnostic, Note
from dsl.lexical import MOST_TOKENS, Source, Token, significant
from dsl.source import Span

VERSION = 1
DEEPEST = 64  # brackets within brackets
MOST_OPERATORS = 100  # in one expression, brackets within it included: what walks an expression may recurse

OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {close: opener for opener, close in OPENING.items()}
OPERATORS = frozenset("+-*/@|.")
GOES_ON_AFTER = frozenset(["(", "[", "{", ",", "|", "=", "->", "+", "-", "*", "/", "@"])
# No statement starts with `{`: on a line of its own it is a slip.
GOES_ON_BEFORE = frozenset([")", "]", "|", "->", "{"])
HEADS = frozenset(["model", "block", "cell", "data", "train", "predict", "sweep"])
DECLARATIONS = HEADS | {"use", "let"}


@dataclass
class _Level:
    """An open bracket and the expression that is being read in it; the outermost level has no bracket."""

    opener: Token | None
    operators: int = 0
    inner: int = 0  # the most operators of a bracket within the expression
    most: int = 0
    suspect: Token | None = None  # a declaration that starts while the bracket is open

    def end_expression(self) -> None:
        self.most = max(self.most, self.operators + self.inner)
        self.operators = self.inner = 0


def wrong_structure(source: Source, tokens: Sequence[Token]) -> Diagnostic | None:
    """The first thing wrong, if any: after it nothing certain can be said about the rest. Linear in the tokens."""
    if len(tokens) > MOST_TOKENS:
        advice = "use blocks and repeat for what comes again and again"
        place = source.span(tokens[MOST_TOKENS])
        return Diagnostic("NN114", f"this spec has more than {MOST_TOKENS:,} words and signs", place, help=advice)
    solid = significant(tokens)
    return _wrong_version(source, solid) or _wrong_brackets(source, tokens)


def goes_on(before: Token | None, after: Token | None) -> bool:
    """Whether a newline between two tokens ends nothing."""
    return before is None or after is None or before.text in GOES_ON_AFTER or after.text in GOES_ON_BEFORE


def _wrong_version(source: Source, solid: Sequence[Token]) -> Diagnostic | None:
    if len(solid) < 2 or solid[0].text != "nn" or solid[1].kind != "number" or solid[1].text == str(VERSION):
        return None
    return Diagnostic(
        "NN115",
        f"this spec is written in version {solid[1].text} of the language; this nnc reads version {VERSION}",
        source.span(solid[1]),
        help="install a newer nnc" if solid[1].text.isdigit() else "the first line is `nn 1`, or left out",
    )


def _wrong_brackets(source: Source, tokens: Sequence[Token]) -> Diagnostic | None:
    levels = [_Level(None)]
    afterwards = following(tokens)
    before: Token | None = None
    for token, after in zip(tokens, afterwards, strict=True):
        text, level = token.text, levels[-1]
        if token.kind == "comment":
            continue
        if token.kind == "newline":
            if level.opener is None or level.opener.text == "{":
                if not goes_on(before, after):
                    level.end_expression()
                if after and after.column == 1 and after.text in DECLARATIONS and level.opener and not level.suspect:
                    level.suspect = after
            continue
        before = token
        if token.kind != "symbol":
            continue
        if text in OPENING:
            if len(levels) > DEEPEST:
                advice = "name parts of it with `name = ...`, or make a block of them"
                message = f"brackets are nested more than {DEEPEST} deep"
                return Diagnostic("NN112", message, source.span(token), help=advice)
            levels.append(_Level(token))
        elif text in CLOSING:
            if level.opener is None:
                return _closes_nothing(source, tokens, token)
            if level.opener.text != CLOSING[text]:
                if all(each.opener is None or each.opener.text != CLOSING[text] for each in levels):
                    return _closes_nothing(source, tokens, token)
                return _not_closed(source, levels, token)
            levels.pop()
            level.end_expression()
            levels[-1].inner = max(levels[-1].inner, level.most)
        elif text in OPERATORS:
            level.operators += 1
        elif text in ",;":
            level.end_expression()
        if levels[-1].operators + levels[-1].inner > MOST_OPERATORS:
            return Diagnostic(
                "NN113",
                f"this expression has more than {MOST_OPERATORS} operators",
                source.span(token),
                help="name parts of it with `name = ...`; layers stand below each other, or in `repeat`",
            )
    return _not_closed(source, levels, None) if len(levels) > 1 else None


def following(tokens: Sequence[Token]) -> list[Token | None]:
    """For each token the next one that is neither newline nor comment."""
    out: list[Token | None] = []
    after: Token | None = None
    for token in reversed(tokens):
        out.append(after)
        if token.kind not in ("newline", "comment"):
            after = token
    return out[::-1]


def _not_closed(source: Source, levels: list[_Level], found: Token | None) -> Diagnostic:
    """found: the bracket that came instead; None at the end of the file."""
    level = levels[-1]
    for outer in levels[1:] if found is None else ():
        if outer.suspect is not None:
            level = outer
            break
    opener, suspect = level.opener, level.suspect
    assert opener is not None
    note = Note(source.span(opener), f"this `{opener.text}` is not closed")
    advice = f"close it with `{OPENING[opener.text]}`"
    if found is not None:
        message = f"`{found.text}` stands where `{OPENING[opener.text]}` is missing"
        return Diagnostic("NN110", message, source.span(found), notes=(note,), help=advice)
    if suspect is not None:
        message = f"`{suspect.text}` starts before the `{opener.text}` of line {opener.line} is closed"
        help_text = f"{advice} before line {suspect.line}"
        return Diagnostic("NN110", message, source.span(suspect), notes=(note,), help=help_text)
    message = f"the file ends, but the `{opener.text}` of line {opener.line} is not closed"
    return Diagnostic("NN110", message, end_of_file(source), notes=(note,), help=advice)


def _closes_nothing(source: Source, tokens: Sequence[Token], found: Token) -> Diagnostic:
    heading = _heading_without_brace(tokens, found) if found.text == "}" else None
    if heading is not None:
        first, last = heading
        place = source.span(last, len(last.text), len(last.text) + 1)
        note = Note(source.span(found), "this `}` closes nothing")
        message = f"`{first.text}` has no `{{` at the end of its heading"
        return Diagnostic("NN121", message, place, "here", (note,), "put `{` at the end of this line")
    message = f"`{found.text}` closes nothing: no `{CLOSING[found.text]}` is open"
    return Diagnostic("NN111", message, source.span(found), help="delete it, or open it before")


def _heading_without_brace(tokens: Sequence[Token], found: Token) -> tuple[Token, Token] | None:
    """The last declaration before found that has no brace: first and last token of its line."""
    depth = 0
    result: tuple[Token, Token] | None = None
    current: Token | None = None
    line = 0
    for token in tokens:
        if token is found:
            break
        if token.kind in ("newline", "comment"):
            continue
        if token.text in OPENING:
            depth += 1
            current = None if token.text == "{" else current
            result = None if token.text == "{" else result
        elif token.text in CLOSING:
            depth -= 1
        elif depth == 0 and token.line != line and token.text in HEADS:
            current = token
        if current is not None and token.line == current.line:
            result = current, token
        line = token.line
    return result


def end_of_file(source: Source) -> Span:
    """The place after the last character that is neither space nor newline."""
    text = source.text.rstrip()
    line = text.count("\n") + 1
    column = len(text) - (text.rfind("\n") + 1) + 1
    return Span(source.file, line, column, line, column + 1, source.lines[line - 1])
