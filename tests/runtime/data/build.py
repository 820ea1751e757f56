"""Ports and entries for the tests of data."""

from __future__ import annotations

from compiler.settings.data import Column, Files
from compiler.sorts import Class, Port, Real, Sort, Tokens
from dsl.source import Span
from runtime.data.other_files import command_line

SPEC = Span("spec.nn", 1, 1, 1, 6, "model")


def port(name: str, sort: Sort, output: bool = False) -> Port:
    return Port(name, sort, output, SPEC)


TEXT = port("text", Tokens("words"))
LABEL = port("label", Class(), output=True)
POINT = port("point", Real(2))
VALUE = port("value", Real(), output=True)


def files(*paths: str, header: bool = False, columns: tuple[str, ...] | None = None, free: bool = False) -> Files:
    """columns: `label`, `_`, or with a heading `label=stars`."""
    resolved = None
    if columns is not None:
        parts = [column.partition("=") for column in columns]
        resolved = tuple(Column(None if p == "_" else p, h or None, SPEC) for p, _, h in parts)
    return Files(paths, header, resolved, SPEC, command_line(paths) if free else None)
