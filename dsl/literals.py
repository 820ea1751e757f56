"""What numbers and strings mean, and why some are refused."""

from __future__ import annotations

import json
import math
import re
import unicodedata

from dsl.characters import is_hidden

LARGEST_INTEGER = 2**63 - 1
LONGEST_NUMBER = 400  # characters; Python refuses to convert integers of 4300 digits

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?%?")
_ESCAPE = re.compile(r'\\(u[0-9a-fA-F]{4}|["\\/bfnrt])')
_BACKSLASH = re.compile(r"\\(?:u[0-9a-fA-F]{0,4}|.|$)")


def number(text: str) -> int | float | None:
    """What a well-formed number means: int where written as one, `10%` exactly 0.1.

    None where it is beyond what is computed with: an integer of more than 64 bits, a float that would be infinite, or
    zero though it is not written as zero.
    """
    if len(text) > LONGEST_NUMBER:
        return None
    if text.isdigit():
        whole = int(text)
        return whole if whole <= LARGEST_INTEGER else None
    if text.endswith("%"):
        mantissa, _, exponent = text[:-1].lower().partition("e")
        value = float(f"{mantissa}e{int(exponent or 0) - 2}")  # rounded once: 10e-2 is 0.1
    else:
        mantissa = text.lower().partition("e")[0]
        value = float(text)
    vanished = value == 0 and any(digit in "123456789" for digit in mantissa)
    return None if math.isinf(value) or vanished else value


def string(text: str) -> str:
    """The value of a string, given with its quotes, which `wrong_escape` finds nothing wrong with."""
    return str(json.loads(text.replace("\t", "\\t")))


def wrong_escape(text: str) -> tuple[int, int, str] | None:
    """The first escape of a string that is refused: where it starts and ends in text, and what is wrong with it."""
    expect_low = 0  # where the second half of a character beyond U+FFFF must start; 0 where none is due
    for found in _BACKSLASH.finditer(text):
        start, stop = found.span()
        escape = _ESCAPE.fullmatch(found[0])
        if escape is None:
            return start, stop, 'a string knows the escapes \\" \\\\ \\/ \\t \\n and \\u with four digits 0-9 a-f'
        if not found[0].startswith("\\u"):
            if escape[1] in "bfr":
                return start, stop, "control characters are not allowed in a string, except \\t and \\n"
            continue
        code = int(found[0][2:], 16)
        if 0xDC00 <= code < 0xE000:
            if start != expect_low or not start:
                return start, stop, "this is the second half of a character; the first, \\ud800 to \\udbff, is missing"
            expect_low = 0
        elif 0xD800 <= code < 0xDC00:
            low = re.match(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}", text[stop : stop + 6])
            if low is None:
                return start, stop, "this is the first half of a character; the second, \\udc00 to \\udfff, is missing"
            expect_low = stop
        elif is_hidden(chr(code)):
            return start, stop, "control characters are not allowed in a string, except \\t and \\n"
    return None


def name(text: str) -> str:
    """A name as it is compared: in NFC."""
    return unicodedata.normalize("NFC", str(text))  # str: never a subclass such as a token
