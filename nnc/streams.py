"""The three standard streams, made safe before anything is done: open, and able to take any text."""

from __future__ import annotations

import codecs
import os
import sys
from typing import TextIO

ESCAPED = "nnc-escaped"


def prepare() -> None:
    """Open what the caller closed, escape what an encoding cannot say, and forget a terminal's absurd width."""
    # A descriptor left closed would be taken by the next file that is opened: a model with messages in it.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    codecs.register_error(ESCAPED, escaped)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=ESCAPED)
    # Others read it too, and take every number.
    if len(os.environ.get("COLUMNS", "")) > 4:
        del os.environ["COLUMNS"]


def escaped(error: UnicodeError) -> tuple[str, int]:
    r"""`\u4e2d` for a character that the encoding lacks: JSON says it in the same way."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


def silence() -> None:
    """Send what a stream still holds, and all that follows, to nowhere where it can no longer be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _to_nowhere(stream)


def _to_nowhere(stream: TextIO) -> None:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, stream.fileno())
    os.close(descriptor)
    stream.flush()
