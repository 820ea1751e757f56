"""From bytes to text, and which characters a spec may hold."""

from __future__ import annotations

import codecs
import re

from dsl.errors import Diagnostic, SpecError
from dsl.source import Span

LARGEST_BYTES = 1_000_000

# Control characters but tab and newline; direction marks, which make a line read otherwise than it is; line ends of
# other systems, at which editors count lines differently; halves of characters; what has no width and no meaning here.
_HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060\\u2066-\\u2069\\ufeff\\ud800-\\udfff]"
)

# What a keyboard that is set for another script gives, and what word processors make of ASCII.
ASCII_FOR = {
    **{chr(0xFF01 + i): chr(0x21 + i) for i in range(94) if not chr(0x21 + i).isalnum()},
    "、": ",", "。": ".", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "「": '"', "」": '"',
    "【": "[", "】": "]", "〔": "[", "〕": "]", "《": '"', "》": '"', "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-",
    "×": "*", "·": "*", "÷": "/", "→": "->", "⇒": "->", "′": "'", "،": ",", "؛": ";", "٪": "%", "…": "...", "│": "|",
    "\u037e": ";", "∶": ":", "∣": "|",
}  # fmt: skip
WIDE_SPACES = frozenset(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


def is_hidden(character: str) -> bool:
    """Whether a spec may not hold the character anywhere: not in a string, not in a comment."""
    return _HIDDEN.match(character) is not None


def decode(data: bytes, file: str) -> str:
    """The text of a spec: UTF-8, a byte order mark skipped, CR LF as LF. Raises SpecError, also for what is hidden."""
    if len(data) > LARGEST_BYTES:
        raise SpecError(_too_large(file, len(data)))
    # Without its mark, too, half of what is ASCII there is NUL.
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0\0" in (data[:4:2], data[1:4:2]):
        start = Span(file, 1, 1, 1, 1, "")
        found = Diagnostic("NN101", "this file is UTF-16, a spec is UTF-8", start, help="save it as UTF-8")
        raise SpecError(found)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        raise SpecError(_not_utf8(data, at, file)) from None
    return checked(text, file)


def checked(text: str, file: str) -> str:
    """The text with CR LF as LF. Raises SpecError with every character that a spec may not hold."""
    if len(text) > LARGEST_BYTES:
        raise SpecError(_too_large(file, len(text)))
    text = text.replace("\r\n", "\n")
    wrong = list(_hidden_characters(text, file)) if _HIDDEN.search(text) else []
    if wrong:
        raise SpecError(wrong)
    return text


def _too_large(file: str, size: int) -> Diagnostic:
    return Diagnostic(
        "NN114",
        f"this spec has {size:,} bytes; the limit is {LARGEST_BYTES:,}",
        Span(file, 1, 1, 1, 1, ""),
        help="is it a data file? a spec is the text that describes the network",
    )


def _not_utf8(data: bytes, at: int, file: str) -> Diagnostic:
    before = data[:at].decode("utf-8-sig").replace("\r\n", "\n")
    line = before.count("\n") + 1
    text = before[before.rfind("\n") + 1 :]
    column = len(text) + 1
    return Diagnostic(
        "NN101",
        f"this file is not UTF-8: the byte 0x{data[at]:02x} stands for no character",
        Span(file, line, column, line, column + 1, text),
        label="after this",
        help="save the file as UTF-8",
    )


def _hidden_characters(text: str, file: str) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for number, line in enumerate(text.split("\n"), 1):
        for match in _HIDDEN.finditer(line):
            column = match.start() + 1
            if match[0] == "\r":
                message, advice = "a carriage return without a newline ends no line", "end lines with LF or CR LF"
            else:
                message = f"the invisible character U+{ord(match[0]):04X} is not allowed in a spec"
                advice = "delete it" if match[0] != "\x00" else "is this a text file?"
            found.append(
                Diagnostic("NN102", message, Span(file, number, column, number, column + 1, line), help=advice)
            )
            if len(found) == 100:
                return found
    return found
