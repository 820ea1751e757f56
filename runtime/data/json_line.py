"""One line of JSON, read strictly: what Python's reader lets pass is refused here, each with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, cast

DEEPEST = 64
"""Brackets inside each other: more than any data, and far from the depth at which Python gives up."""

TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]|[^\s"\[\]{}:,]++', re.DOTALL)
UNSOUND = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes of NUL and of halves of characters: a pair of halves is right, one alone is not."""
CONSTANTS = ("NaN", "Infinity", "-Infinity")


class Number(str):
    """A number as it is written: `3` and `3.0` are different labels, and none is rounded."""


Value: TypeAlias = "str | Number | bool | list[Value] | dict[str, Value] | None"


@dataclass
class Slip(Exception):
    """What is wrong, at line[begin:end]. earlier: where the key stood before that stands there again."""

    code: str
    message: str
    begin: int
    end: int
    help: str
    earlier: tuple[int, int] | None = None


class _Refused(Exception):
    """Raised inside the reader, which does not say where it is."""


def decode(line: str) -> Value:
    """The value of the line. Raises Slip NN730 no JSON, NN704 NUL, NN732 repeated key, NN735 too deep."""
    if line.count("[") + line.count("{") > DEEPEST:
        _check_depth(line)
    try:
        value = cast("Value", _DECODER.decode(line))
    except json.JSONDecodeError as error:
        raise _no_json(line, error) from None
    except _Refused:
        raise _refused(line) from None
    if UNSOUND.search(line) is not None:
        _check_escapes(line)
    return value


def _pairs(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused
    return found


def _constant(text: str) -> Value:
    raise _Refused


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=Number, parse_float=Number, parse_constant=_constant, strict=True
)


def _no_json(line: str, error: json.JSONDecodeError) -> Slip:
    at = min(error.pos, len(line))
    here = line[at : at + 1]
    reason = error.msg[:1].lower() + error.msg[1:].removesuffix(" at").removesuffix(" starting at")
    helps = "each line is an object of its own: " + '{"text": "so good", "label": "1"}'
    if here == "'":
        helps = "strings and keys stand in double quotes"
    elif error.msg.startswith("Invalid control"):
        helps = r"inside a string a TAB is written \t, a newline \n"
    elif not line[at:].strip():
        helps = "the line ends too early; an object stands on one line, however long"
    return Slip("NN730", f"this is not JSON: {reason}", at, at + 1, helps)


def _refused(line: str) -> Slip:
    objects: list[dict[str, tuple[int, int]]] = []
    before: re.Match[str] | None = None
    for token in TOKEN.finditer(line):
        text = token[0]
        if text.startswith(CONSTANTS):
            helps = "a number is decimal text; null stands for a missing one"
            return Slip("NN730", "this is not JSON: NaN and Infinity are no numbers", *token.span(), helps)
        if text == "{":
            objects.append({})
        elif text == "}":
            objects.pop()
        elif text == ":" and before is not None:
            key = cast(str, json.loads(before[0]))
            if key in objects[-1]:
                helps = "a name must lead to one value: leave one of them out"
                message = "this key is there already"
                return Slip("NN732", message, *before.span(), helps, objects[-1][key])
            objects[-1][key] = before.span()
        before = token
    raise AssertionError("refused for nothing that can be found")


def _check_depth(line: str) -> None:
    depth = 0
    for token in TOKEN.finditer(line):
        depth += (token[0] in ("[", "{")) - (token[0] in ("]", "}"))
        if depth > DEEPEST:
            message = f"more than {DEEPEST} brackets are open here"
            raise Slip("NN735", message, token.start(), token.end(), "no data nest this deep")


def _check_escapes(line: str) -> None:
    for token in TOKEN.finditer(line):
        if not token[0].startswith('"') or UNSOUND.search(token[0]) is None:
            continue
        text = cast(str, json.loads(token[0]))
        if "\0" in text:
            raise Slip("NN704", "the string holds a NUL character: it is not text", *token.span(), "leave it out")
        if any("\ud800" <= character <= "\udfff" for character in text):
            message = "this is not JSON: half a character, without its other half"
            raise Slip("NN730", message, *token.span(), r"characters past U+FFFF are two escapes: \ud83d\ude00")


@dataclass(frozen=True)
class Stretch:
    """line[begin:end] is a key's value; elements: where those of a list stand."""

    begin: int
    end: int
    elements: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def values(line: str) -> dict[str, Stretch]:
    """Where the values of an object stand. The line has been decoded."""
    tokens = list(TOKEN.finditer(line))
    found: dict[str, Stretch] = {}
    i = 1
    while tokens[i][0] != "}":
        key = cast(str, json.loads(tokens[i][0]))
        begin = i + 2
        i = _after(tokens, begin)
        elements = list(_elements(tokens, begin)) if tokens[begin][0] == "[" else []
        found[key] = Stretch(tokens[begin].start(), tokens[i - 1].end(), elements)
        i += tokens[i][0] == ","
    return found


def _after(tokens: list[re.Match[str]], i: int) -> int:
    """The token behind the value that starts with this one."""
    depth = 0
    while True:
        depth += (tokens[i][0] in ("[", "{")) - (tokens[i][0] in ("]", "}"))
        i += 1
        if depth == 0:
            return i


def _elements(tokens: list[re.Match[str]], opening: int) -> Iterator[tuple[int, int]]:
    i = opening + 1
    while tokens[i][0] != "]":
        begin = i
        i = _after(tokens, i)
        yield tokens[begin].start(), tokens[i - 1].end()
        i += tokens[i][0] == ","
