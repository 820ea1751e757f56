"""Files read to rows, without tables or ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.settings.data import Files
from compiler.sorts import Port
from dsl.errors import DataError, Diagnostic
from runtime.data.files import resolve
from runtime.data.problems import Problems
from runtime.data.raw import Raw, read_files


def raw(folder: Path, ports: tuple[Port, ...], entry: Files, **how) -> tuple[Raw, list[Diagnostic]]:
    """The rows of an entry, and warnings. Raises DataError with all that is wrong."""
    problems = Problems()
    format = how.pop("format", None)
    find = lambda written, free: resolve(written, folder, None, entry.span, free=free)  # noqa: E731
    found, _ = read_files(ports, entry, format, find, problems, **how)
    problems.check()
    return found, problems.warnings


def errors(folder: Path, ports: tuple[Port, ...], entry: Files, **how) -> tuple[Diagnostic, ...]:
    with pytest.raises(DataError) as caught:
        raw(folder, ports, entry, **how)
    return caught.value.diagnostics
