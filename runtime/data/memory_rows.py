"""Rows that a program holds in memory: tuples, dictionaries, or whole columns; read as a file's rows are.

A row is counted from 1 in errors, as a line of a file is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias, TypeGuard, cast

import numpy as np

from compiler.sorts import Image, Port, Real, Tokens, is_pair
from dsl.errors import DataError, Diagnostic
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span
from runtime.data import memory_values, pairs, segments
from runtime.data.columns import widest, width_of
from runtime.data.memory_values import LONGEST
from runtime.data.part import Columns, Part
from runtime.data.problems import Problems
from runtime.data.table import plural

Given: TypeAlias = "Iterable[Any] | Mapping[str, Any]"
"""Rows, each a tuple (outputs, then inputs) or a dictionary; or columns by name: lists or NumPy arrays."""


def read_memory(
    ports: tuple[Port, ...],
    given: Given,
    name: str,
    problems: Problems,
    *,
    outputs_optional: bool = False,
    keep_missing: bool = False,
) -> Part:
    """The rows as a part, such as a file gives.

    name: what errors call them, `train`
    outputs_optional: for prediction; a tuple is then the inputs alone, a dictionary may leave the outputs out
    keep_missing: a number that is missing is NaN, and no error

    Raises DataError NN892 for what is neither rows nor columns, NN713 for a column that is missing.
    """
    ports, every = segments.written(ports), ports
    columns = _by_name(given, ports, name, outputs_optional)
    if columns is None:
        columns = _by_row(given, ports, name, problems, outputs_optional)
        problems.check()
    lengths = {port: len(column) for port, column in columns.items()}
    count = next(iter(lengths.values()), 0)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{show(port)} {length:,}" for port, length in lengths.items())
        raise DataError(
            Diagnostic("NN892", f"{name}: the columns have different lengths: {found}", help="a row has one of each")
        )
    if not count:
        raise DataError(Diagnostic("NN707", f"{name} has no rows", help="give some"))
    read = Columns()
    for port in ports:
        if port.name in columns:
            column = columns[port.name]
            if widest(port, ports) > width_of(port):
                column = [pairs.joined(each[:1], each[1:])[0] if _is_pair(each) else each for each in column]
            memory_values.read(port, column, read, problems, keep_missing=keep_missing)

    def place(port: str, row: int, position: int | None = None) -> Span:
        text = show(str(columns[port][row]))[:LONGEST]
        return Span(f"{name} (in memory)", row + 1, 1, row + 1, len(text) + 1, text)

    return Part(count, segments.separated(every, read, tagged=not outputs_optional), place, ())


def fingerprint(parts: Mapping[str, Columns]) -> str:
    """Of the rows as they were given: the same rows, the same fingerprint."""
    digest = sha256()
    for name, columns in sorted(parts.items()):
        digest.update(f"{name}\n".encode())
        for port, texts in (*sorted(columns.texts.items()), *sorted(columns.lists.items())):
            digest.update(f"{port}\n".encode())
            for text in texts:
                digest.update(repr(text).encode())
        for port, array in (*sorted(columns.numbers.items()), *sorted(columns.pictures.items())):
            digest.update(f"{port} {array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _is_pair(value: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(text, str) for text in value)


def _by_name(
    given: Given, ports: tuple[Port, ...], name: str, outputs_optional: bool
) -> dict[str, Sequence[Any]] | None:
    """The columns that were given as such, a data frame's too; None for rows."""
    if not hasattr(given, "keys"):
        return None
    columns = cast("Mapping[str, Any]", given)
    found: dict[str, Sequence[Any]] = {}
    for port in ports:
        if port.name in columns:
            column = columns[port.name]
            if not _is_column(column):
                message = f"{name}: the column {show(port.name)} is a list or an array, not {type(column).__name__}"
                raise DataError(Diagnostic("NN892", message, port.span, help="give a value for each row"))
            found[port.name] = memory_values.sequence(column)
        elif not (outputs_optional and port.output):
            raise DataError(_no_column(port, list(map(str, columns.keys())), name))
    return found


def _by_row(
    given: Given, ports: tuple[Port, ...], name: str, problems: Problems, outputs_optional: bool
) -> dict[str, Sequence[Any]]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        kind = type(given).__name__
        helps = "give a list of rows, each a tuple or a dictionary, or a dictionary of columns"
        raise DataError(Diagnostic("NN892", f"{name}: rows are wanted, not {kind}", help=helps))
    inputs = tuple(p for p in ports if not p.output)
    if outputs_optional and len(inputs) == 1 and isinstance(given, np.ndarray) and given.ndim > 1:
        return {inputs[0].name: cast("Sequence[Any]", given)}
    rows: list[Any] = list(cast("Iterable[Any]", given))
    if rows and all(isinstance(row, Mapping) for row in rows):
        return _of_dictionaries(rows, ports, name, problems, outputs_optional)
    # Outputs first, as in a file of which nothing is said.
    ordered = inputs if outputs_optional else (*(p for p in ports if p.output), *inputs)
    columns: dict[str, list[Any]] = {}
    for i, row in enumerate(rows):
        items = _items(row, ordered)
        if items is None:
            problems.add(_other_width(row, i, ordered))
        else:
            for port, value in items.items():
                columns.setdefault(port, []).append(value)
    if not rows:
        return {p.name: () for p in ordered}
    return dict(columns)


def _of_dictionaries(
    rows: list[Mapping[str, Any]], ports: tuple[Port, ...], name: str, problems: Problems, outputs_optional: bool
) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = {}
    for port in ports:
        having = sum(port.name in row for row in rows)
        if outputs_optional and port.output and having < len(rows):
            continue
        if not having:
            raise DataError(_no_column(port, list(map(str, rows[0])), name))
        column: list[Any] = []
        for i, row in enumerate(rows):
            if port.name not in row:
                message = f"row {i + 1}, {show(port.name)}: it is missing, though other rows have it"
                problems.add(Diagnostic("NN710", message, help="give every row the same keys"))
            column.append(row.get(port.name))
        columns[port.name] = column
    return columns


def _items(row: Any, ordered: tuple[Port, ...]) -> dict[str, Any] | None:
    """The value of each port in a row that is a tuple; a `real[3]` is one value, or three in a row."""
    if len(ordered) == 1 and is_pair(ordered[0].sort) and _is_pair(row):
        return {ordered[0].name: row}
    if len(ordered) == 1 and (not _is_list(row) or isinstance(ordered[0].sort, Image) or _width(ordered[0]) > 1):
        wrapped = isinstance(row, tuple | list) and len(row) == 1 and _is_list(row[0])
        return {ordered[0].name: row[0] if wrapped else row}
    if isinstance(row, str | bytes) or not isinstance(row, Iterable):
        return None
    values = list(cast("Iterable[Any]", row))
    if len(values) == len(ordered):
        return {p.name: value for p, value in zip(ordered, values, strict=True)}
    if len(values) != sum(_width(p) for p in ordered):
        return None
    found: dict[str, Any] = {}
    for port in ordered:
        found[port.name] = values[: _width(port)] if _width(port) > 1 else values[0]
        values = values[_width(port) :]
    return found


def _is_column(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) != 0


def _is_list(value: object) -> bool:
    return isinstance(value, tuple | list | np.ndarray)


def _width(port: Port) -> int:
    return port.sort.width if isinstance(port.sort, Real) else 1


def _other_width(row: Any, i: int, ordered: tuple[Port, ...]) -> Diagnostic:
    names = ", ".join(p.name for p in ordered)
    single = isinstance(row, str | bytes) or not isinstance(row, Iterable)
    found = "1 value" if single else plural(len(list(row)), "value")
    helps = "a row is a tuple: the outputs first, then the inputs; or a dictionary"
    if not any(p.output for p in ordered):
        helps = "an example is a tuple of the inputs, or a dictionary"
    elif len(ordered) == 2 and isinstance(ordered[1].sort, Tokens) and single:
        helps += f", such as ({ordered[0].name}, {ordered[1].name})"
    return Diagnostic("NN710", f"row {i + 1} has {found}, but {len(ordered)} are wanted: {names}", help=helps)


def _no_column(port: Port, known: list[str], name: str) -> Diagnostic:
    near = nearest(port.name, known)
    listed = ", ".join(show(k) for k in known[:10])
    helps = f"did you mean {show(near)}?" if near else f"it has {listed}" if known else "it has no columns"
    return Diagnostic("NN713", f"{name} has no column {show(port.name)}", port.span, help=helps)
