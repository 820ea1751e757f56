"""JSONL: an object a line, whose keys are the names of inputs and outputs; other keys are passed over."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

import numpy as np

from compiler.sorts import Category, Class, Image, Pixels, Port, Real, Tokens
from dsl.errors import DataError, Diagnostic, Note
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span
from runtime.data import json_line, pairs, tsv
from runtime.data.columns import check_names, widest, width_of
from runtime.data.files import TextFile, span_at
from runtime.data.json_line import Number, Slip, Stretch, Value
from runtime.data.part import Columns, Part, Request
from runtime.data.real import LARGEST
from runtime.data.table import plural


@dataclass(frozen=True)
class _Wrong(Exception):
    """Why a value is not what its port wants. key, position: which of the port's keys, which element of a list."""

    code: str
    message: str
    help: str
    key: int = 0
    position: int | None = None


@dataclass(frozen=True)
class _Column:
    """What is read for a port, and the keys that hold it."""

    port: Port
    keys: tuple[str, ...]
    texts: list[str] = field(default_factory=list[str])
    lists: list[list[str]] = field(default_factory=list[list[str]])
    numbers: list[list[float]] = field(default_factory=list[list[float]])
    missing: dict[int, int] = field(default_factory=dict[int, int])


def read(file: TextFile, request: Request) -> Part | None:
    """The rows of a file; None after an error that says nothing of single rows."""
    problems, entry = request.problems, request.entry
    lines = tsv.lines(file.text)
    numbers = [i for i, line in enumerate(lines) if line and not line.isspace()]
    if not numbers:
        message = f"{show(file.name)} has no rows"
        problems.add(Diagnostic("NN707", message, entry.place, help="name a file that has some"))
        return None
    try:
        check_names(request.ports, entry)
        columns = [_Column(port, _keys(port, request)) for port in request.ports if request.reads(port)]
    except DataError as error:
        for diagnostic in error.diagnostics:
            problems.add(diagnostic)
        return None
    places = _Places(file, numbers)
    for row, number in enumerate(numbers):
        try:
            record = json_line.decode(lines[number])
        except Slip as slip:
            problems.add(places.of_slip(number, slip))
            continue
        if not isinstance(record, dict):
            message = f"this is {_called(record)}, but each line must be an object"
            problems.add(Diagnostic("NN731", message, places.line(number), help='{"text": "so good", "label": "1"}'))
            continue
        for column in columns:
            try:
                _take(column, record, row, request)
            except _Wrong as wrong:
                problems.add(places.of_wrong(number, column, wrong))
        _check_lengths(columns, number, places, request)
    if problems.errors:
        return None
    keys = {c.port.name: c.keys for c in columns}

    def place(port: str, row: int, position: int | None) -> Span:
        several = len(keys[port]) > 1
        key = keys[port][position or 0] if several else keys[port][0]
        return places.value(numbers[row], key, None if several else position)

    missing = {row: (c.port.name, k) for c in columns for row, k in c.missing.items()}
    return Part(len(numbers), _columns(columns), place, (file,), missing)


def _keys(port: Port, request: Request) -> tuple[str, ...]:
    """The keys of a port: its name, or those that `columns` says."""
    if isinstance(port.sort, Image | Pixels):
        what = "a picture" if isinstance(port.sort, Image) else "labels of pixels"
        message = f"`{port.name}` is {what}, which JSONL does not hold"
        raise DataError(
            Diagnostic("NN743", message, request.entry.place, help="these come from folders, idx and npz files")
        )
    named = [c for c in request.entry.columns or () if c.port == port.name]
    keys = tuple(c.heading for c in named if c.heading is not None) or (port.name,)
    if len(keys) not in (1, width_of(port)):
        message = f"`{port.name}` takes {plural(width_of(port), 'number')}, but {len(keys)} keys are named"
        span = named[0].span or request.entry.span
        raise DataError(Diagnostic("NN714", message, span, help="name one key that holds a list, or a key for each"))
    return keys


def _columns(columns: list[_Column]) -> Columns:
    found = Columns()
    for column in columns:
        name, sort = column.port.name, column.port.sort
        if isinstance(sort, Real):
            found.numbers[name] = np.array(column.numbers, np.float64).reshape(-1, sort.width)
        elif column.lists or column.port.per is not None:
            found.lists[name] = column.lists
        else:
            found.texts[name] = column.texts
    return found


# One row


def _take(column: _Column, record: dict[str, Value], row: int, request: Request) -> None:
    """Add the row's value. Raises _Wrong for one that is none."""
    port = column.port
    for k, key in enumerate(column.keys):
        if key not in record:
            near = nearest(key, record)
            helps = f'did you mean "{show(near)}"?' if near else 'columns NAME="KEY" reads an input under another key'
            raise _Wrong("NN733", f'the key "{show(key)}" is missing', helps, k)
    value = record[column.keys[0]]
    match port.sort:
        case Real(width=width):
            values = [record[key] for key in column.keys]
            if len(column.keys) == 1 and width > 1:
                if not isinstance(value, list) or len(value) != width:
                    raise _Wrong("NN734", f"{port.name} wants a list of {width} numbers, but gets {_called(value)}", "")
                values = value
            column.numbers.append([_number(column, v, row, k, request) for k, v in enumerate(values)])
        case Tokens() if port.per is None and isinstance(value, list) and widest(port, request.ports) == 2:
            _take_pair(column, value)
        case Tokens() if port.per is None:
            _take_text(column, value)
        case _ if port.per is not None:
            if not isinstance(value, list):
                message = f"{port.name} wants a list, a value for each of {port.per}, but gets {_called(value)}"
                raise _Wrong("NN734", message, "")
            column.lists.append([_label(port, each, i) for i, each in enumerate(value)])
        case _:
            column.texts.append(_label(port, value, None))


def _take_text(column: _Column, value: Value) -> None:
    name = column.port.name
    if isinstance(value, str) and not isinstance(value, Number):
        if column.lists:
            raise _Wrong("NN734", f"{name} is a string here, but a list in the rows before", "write all rows alike")
        column.texts.append(value)
    elif isinstance(value, list):
        if column.texts:
            raise _Wrong("NN734", f"{name} is a list here, but a string in the rows before", "write all rows alike")
        column.lists.append([_token(name, each, i) for i, each in enumerate(value)])
    else:
        helps = "put it in double quotes" if isinstance(value, (Number, bool)) else 'an empty text is ""'
        raise _Wrong("NN734", f"{name} wants a string, or a list of its tokens, but gets {_called(value)}", helps)


def _take_pair(column: _Column, value: list[Value]) -> None:
    """Two texts; `request` has looked that no token has a value of its own."""
    texts = [each for each in value if isinstance(each, str) and not isinstance(each, Number)]
    if len(texts) != len(value) or len(texts) not in (1, 2):
        message = f"{column.port.name} wants a text, or a list of two, but gets {_called(value)}"
        raise _Wrong("NN734", message, "write both texts in double quotes")
    column.texts.extend(pairs.joined(texts[:1], texts[1:] or [""]))


def _token(name: str, value: Value, position: int) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        message = f"{name}: a token is a string, but here is {_called(value)}"
        raise _Wrong("NN734", message, "put it in double quotes", position=position)
    if not value or value.isspace():
        raise _Wrong("NN723", f"{name}: the token is missing", "write the token", position=position)
    return value


def _label(port: Port, value: Value, position: int | None) -> str:
    """A label or value of a category as text: `true` and `3` as they are written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or (isinstance(value, str) and (not value or value.isspace())):
        message = f"{port.name}: the label is missing"
        raise _Wrong("NN723", message, "write the label, or delete the row", position=position)
    if not isinstance(value, str):
        what = "a label" if isinstance(port.sort, Class) else "a value"
        message = f"{port.name}: {what} is a string, a number, true or false, but here is {_called(value)}"
        raise _Wrong("NN734", message, "" if position is not None else _hint(port), position=position)
    return str(value)


def _hint(port: Port) -> str:
    several = isinstance(port.sort, (Class, Category)) and port.per is None
    return f"a label for each position is declared with per: {port.name}: class per words" if several else ""


def _number(column: _Column, value: Value, row: int, position: int, request: Request) -> float:
    name = column.port.name
    key, element = (position, None) if len(column.keys) == width_of(column.port) else (0, position)
    if value is None:
        if request.skip_missing:
            column.missing.setdefault(row, position)
            return nan
        raise _Wrong("NN716", f"{name}: the number is missing (null)", request.missing_help, key, element)
    if not isinstance(value, Number):
        helps = "write it without quotes" if isinstance(value, str) else ""
        raise _Wrong("NN734", f"{name} wants a number, but gets {_called(value)}", helps, key, element)
    found = float(value)
    if abs(found) > LARGEST:
        message = f"{name}: {show(value)} is too large: numbers go up to {LARGEST:.1e}"
        raise _Wrong("NN715", message, "scale the column, or correct the number", key, element)
    return found


def _check_lengths(columns: list[_Column], number: int, places: _Places, request: Request) -> None:
    """What has a value for each position has as many as there are positions."""
    by_name = {column.port.name: column for column in columns}
    for column in columns:
        of = by_name.get(column.port.per or "")
        if of is None or not of.lists or not column.lists:
            continue
        here, there = len(column.lists[-1]), len(of.lists[-1])
        if here != there and not request.problems.errors:
            request.problems.add(
                Diagnostic(
                    "NN738",
                    f"{column.port.name} has {plural(here, 'value')}, but {of.port.name} has {there}",
                    places.value(number, column.keys[0], None),
                    notes=(Note(places.value(number, of.keys[0], None), f"{there} here"),),
                    help=f"one value for each of {of.port.name}, in the same order",
                )
            )


def _called(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return "a number"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "null" if value is None else "a string" if isinstance(value, str) else "an object"


@dataclass(frozen=True)
class _Places:
    """Where the rows of a file stand. numbers: their lines, from 0."""

    file: TextFile
    numbers: list[int]

    def line(self, number: int) -> Span:
        return self._at(number, 0, len(self._text(number)))

    def value(self, number: int, key: str, position: int | None) -> Span:
        stretch = json_line.values(self._text(number)).get(key)
        if stretch is None:
            return self._at(number, 0, 1)
        return self._at(number, *_of(stretch, position))

    def of_slip(self, number: int, slip: Slip) -> Diagnostic:
        notes = () if slip.earlier is None else (Note(self._at(number, *slip.earlier), "the first one"),)
        return Diagnostic(slip.code, slip.message, self._at(number, slip.begin, slip.end), notes=notes, help=slip.help)

    def of_wrong(self, number: int, column: _Column, wrong: _Wrong) -> Diagnostic:
        key = column.keys[wrong.key]
        return Diagnostic(wrong.code, wrong.message, self.value(number, key, wrong.position), help=wrong.help)

    def _text(self, number: int) -> str:
        start = int(self.file.line_starts[number])
        stop = self.file.text.find("\n", start)
        return self.file.text[start : len(self.file.text) if stop < 0 else stop]

    def _at(self, number: int, begin: int, end: int) -> Span:
        start = int(self.file.line_starts[number])
        return span_at(self.file.name, self.file.text, start + begin, start + end)


def _of(stretch: Stretch, position: int | None) -> tuple[int, int]:
    if position is None or position >= len(stretch.elements):
        return stretch.begin, stretch.end
    return stretch.elements[position]
