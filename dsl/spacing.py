"""Where a space stands between two tokens of a spec in canonical layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsl.lexical import Token
from dsl.structure import CLOSING, OPENING, goes_on

_ARITHMETIC = frozenset(["+", "-", "*", "/", "@"])
_OPERAND_FOLLOWS = _ARITHMETIC | {"(", "[", "{", ",", ";", "=", "|", "->"}
_WORDS = ("name", "next", "number", "string")


@dataclass
class _Frame:
    """An open bracket, or the file, and the statement in it that is being read.

    words: tokens of the statement so far, what stands in brackets left out
    loose: whether a space follows a comma here
    in_setting: after `key=`, where arithmetic is set tight: `width=4*width p=p`
    """

    opener: str
    loose: bool
    words: int = 0
    head: str = ""
    in_setting: bool = False

    def end_statement(self) -> None:
        self.words, self.head, self.in_setting = 0, "", False


def spaces(tokens: Sequence[Token]) -> list[bool]:
    """For each token whether a space stands before it. Newlines count for nothing; the brackets must match."""
    out: list[bool] = []
    frames = [_Frame("", False)]
    before: Token | None = None
    prefix = assigns = False  # whether the token before is a minus sign of one operand; an `=` that names a value
    for i, token in enumerate(tokens):
        if token.kind in ("newline", "comment"):
            out.append(True)
            continue
        frame = frames[-1]
        holds_statements = frame.opener in ("", "{")
        new_line = before is not None and token.line > before.line and not goes_on(before, token)
        if holds_statements and new_line and token.text != "}":
            frame.end_statement()
        if before is not None and before.kind in _WORDS and token.kind in _WORDS:
            frame.in_setting = False
        minus = token.text == "-" and (not frame.words or before is None or before.text in _OPERAND_FOLLOWS)
        names = (
            token.text == "=" and holds_statements and (frame.head == "let" if not frame.opener else frame.words == 1)
        )
        out.append(before is not None and not prefix and _space(frame, before, token, assigns or names))
        prefix, assigns = minus, names
        _advance(frames, tokens, i, names)
        before = token
    return out


def _space(frame: _Frame, before: Token, token: Token, assigns: bool) -> bool:
    a, b = before.text, token.text
    if b in (")", "]", ",", ":", ".", "[") or a in ("(", "[", "."):
        return False
    if "=" in (a, b):
        return assigns
    if a == ",":
        return frame.loose
    if b == "(" and (before.kind in ("name", "next") or a == "]"):
        return False
    return not (frame.in_setting and (a in _ARITHMETIC or b in _ARITHMETIC))


def _advance(frames: list[_Frame], tokens: Sequence[Token], i: int, names: bool) -> None:
    frame, token = frames[-1], tokens[i]
    if token.text in CLOSING:
        frames.pop()
        return
    if not frame.words:
        frame.head = token.text
        if not frame.opener:
            frame.loose = token.text == "model"
    frame.words += 1
    if token.text in OPENING:
        loose = token.text == "(" or (token.text == "[" and not _numbers_only(tokens, i))
        frames.append(_Frame(token.text, loose))
    elif token.text == ";" or (token.text == "," and frame.opener in ("(", "[")):
        frame.end_statement()
    elif token.text == "|":
        frame.in_setting = False
    elif token.text == "=":
        frame.in_setting = not names
    elif token.text == "state" and not frame.opener and frame.head == "cell":
        frame.loose, frame.in_setting = True, False


def _numbers_only(tokens: Sequence[Token], i: int) -> bool:
    """Whether the bracket at i holds numbers alone: `[28,28]`, but `[size, dim(x)]`."""
    for token in tokens[i + 1 :]:
        if token.text == "]":
            return True
        if token.kind not in ("number", "newline", "comment") and token.text != ",":
            return False
    return True
