"""From the `data` section, another file or strings to encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compiler.settings.data import DataSettings, Files, Format
from compiler.sorts import Class, Port, Real, Tokens, owner
from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import fitting, labels, real, tokens
from runtime.data import rows as encoded
from runtime.data.columns import width_of
from runtime.data.files import DataFile, fingerprint, resolve
from runtime.data.problems import Problems
from runtime.data.raw import Raw, check_alike, read_files
from runtime.data.rows import Array, Rows
from runtime.data.splits import Indices, split
from runtime.data.table import plural
from runtime.data.tables import Tables


@dataclass(frozen=True)
class Dataset:
    """The data of a run. fingerprint: SHA-256 of the text of all files; a run is resumed only with the same."""

    train: Rows
    valid: Rows | None
    test: Rows | None
    tables: Tables
    warnings: tuple[Diagnostic, ...]
    fingerprint: str


def read(
    ports: tuple[Port, ...],
    settings: DataSettings,
    folder: Path,
    data_root: Path | None,
    *,
    fold: int | None = None,
) -> Dataset:
    """Read, split, fit and encode.

    folder: the spec's; data_root takes its place where given
    fold: of `folds`, whose rows are the test rows

    Raises DataError with all that is wrong in the files, up to a limit.
    """
    problems = Problems()
    parts: dict[str, Raw] = {}
    entries: dict[str, Files] = {}
    read_from: list[tuple[str, list[DataFile]]] = []
    for name, entry in (("train", settings.train), ("valid", settings.valid), ("test", settings.test)):
        if isinstance(entry, Files):
            skip = settings.missing == "skip"
            find = _finder(entry, folder, data_root)
            parts[name], used = read_files(ports, entry, settings.format, find, problems, skip_missing=skip)
            read_from.append((name, used))
            entries[name] = entry
    check_alike(parts, entries, problems)
    problems.check()
    return assembled(ports, settings, parts, problems, fingerprint(read_from), fold=fold)


def assembled(
    ports: tuple[Port, ...],
    settings: DataSettings,
    parts: Mapping[str, Raw],
    problems: Problems,
    fingerprint: str,
    *,
    fold: int | None = None,
) -> Dataset:
    """Split, fit and encode. parts: the rows of `train`, and of `valid` and `test` where they have rows of their own."""
    divided = split(parts["train"].count, settings, fold)
    whole = Whole.of(tuple(parts.values()))
    chosen: dict[str, Indices] = {"train": divided.train}
    for name, drawn in (("valid", divided.valid), ("test", divided.test)):
        if drawn is not None:
            chosen[name] = drawn
        elif name in parts:
            first = whole.first_row(list(parts).index(name))
            chosen[name] = np.arange(first, first + parts[name].count)
    tokenised = fitting.tokenise(ports, whole.texts)
    tables = fitting.fit(ports, tokenised, whole.texts, whole.numbers, divided.train)
    everything = _encode(ports, tables, whole, tokenised)
    fitting.warn(ports, tokenised, whole.texts, whole.span, chosen, everything, problems)
    return Dataset(
        everything.take(chosen["train"]),
        everything.take(chosen["valid"]) if "valid" in chosen else None,
        everything.take(chosen["test"]) if "test" in chosen else None,
        tables,
        tuple(problems.warnings),
        fingerprint,
    )


def read_file(
    ports: tuple[Port, ...],
    tables: Tables,
    files: Files,
    folder: Path,
    data_root: Path | None = None,
    *,
    format: Format | None = None,
    outputs_optional: bool = False,
) -> tuple[Rows, tuple[Diagnostic, ...]]:
    """The rows of other files, encoded as the model's own, and warnings.

    outputs_optional: the outputs' columns may be absent, as for prediction
    """
    problems = Problems()
    raw, _ = read_files(
        ports, files, format, _finder(files, folder, data_root), problems, outputs_optional=outputs_optional
    )
    problems.check()
    return encode_raw(ports, tables, raw, problems), tuple(problems.warnings)


def encode_raw(ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems) -> Rows:
    """The rows encoded as the model's own; warnings go to problems."""
    whole = Whole.of((raw,))
    tokenised = fitting.tokenise(ports, whole.texts)
    result = _encode(ports, tables, whole, tokenised)
    chosen = {"test": np.arange(raw.count)}
    fitting.warn(ports, tokenised, whole.texts, whole.span, chosen, result, problems)
    return result


def encode(
    ports: tuple[Port, ...],
    tables: Tables,
    texts: Sequence[Sequence[str]],
    *,
    source: str = "input",
    first_line: int = 1,
) -> Rows:
    """Rows for prediction from strings: of each example the fields of the inputs, in the signature's order.

    source, first_line: what an error calls the place of the first example

    Raises DataError NN710 for a wrong number of fields, NN715 and NN716 for what is no number.
    """
    inputs = tuple(p for p in ports if not p.output)
    width = sum(width_of(p) for p in inputs)
    problems = Problems()
    fields = [list(example) for example in texts]

    def place(row: int, field: int) -> Span:
        line = "\t".join(fields[row])
        begin = sum(len(f) + 1 for f in fields[row][:field])
        end = begin + len(fields[row][field]) if field < len(fields[row]) else len(line)
        return Span(source, first_line + row, begin + 1, first_line + row, max(end, begin) + 1, line)

    for i, example in enumerate(fields):
        if len(example) != width:
            names = ", ".join(p.name for p in inputs)
            message = f"the model takes {plural(width, 'field')} ({names}), but gets {len(example)}"
            problems.add(Diagnostic("NN710", message, place(i, 0), help="fields are separated by a TAB"))
    problems.check()
    columns: dict[str, list[str]] = {}
    numbers: dict[str, Array] = {}
    at = 0
    for port in inputs:
        here = tuple(range(at, at + width_of(port)))
        at += len(here)
        if isinstance(port.sort, Real):
            taken = [[example[i] for example in fields] for i in here]
            where = _shifted(place, here[0])
            numbers[port.name] = real.read(taken, where, _title(port), problems)
        else:
            columns[port.name] = [example[here[0]] for example in fields]
    problems.check()
    whole = Whole(len(fields), columns, numbers, ())
    return _encode(ports, tables, whole, fitting.tokenise(ports, columns))


def _shifted(place: Callable[[int, int], Span], first: int) -> Callable[[int, int], Span]:
    return lambda row, field: place(row, first + field)


def _title(port: Port) -> Callable[[int], str]:
    wide = width_of(port)
    return lambda k: port.name if wide == 1 else f"{port.name}, number {k + 1} of {wide}"


def _finder(files: Files, folder: Path, data_root: Path | None) -> Callable[[str, bool], Path]:
    return lambda written, free: resolve(written, folder, data_root, files.span, free=free)


@dataclass(frozen=True)
class Whole:
    """All parts end to end, so that each column is read and encoded once."""

    count: int
    texts: dict[str, list[str]]
    numbers: dict[str, Array]
    parts: tuple[Raw, ...]

    @staticmethod
    def of(parts: tuple[Raw, ...]) -> Whole:
        texts = {name: [text for part in parts for text in part.texts[name]] for name in parts[0].texts}
        numbers = {name: np.concatenate([part.numbers[name] for part in parts]) for name in parts[0].numbers}
        return Whole(sum(part.count for part in parts), texts, numbers, parts)

    def first_row(self, part: int) -> int:
        return sum(p.count for p in self.parts[:part])

    def span(self, port: str, row: int) -> Span:
        for part in self.parts:
            if row < part.count:
                return part.span(port, row)
            row -= part.count
        raise IndexError(row)


def _encode(ports: tuple[Port, ...], tables: Tables, whole: Whole, tokenised: dict[str, tokens.Tokenised]) -> Rows:
    columns: dict[str, tokens.Sequences | Array] = {}
    for port in ports:
        name, sort = port.name, port.sort
        if isinstance(sort, Tokens) and name in tokenised:
            columns[name] = tokens.encode(sort, tokenised[name], tables.vocabularies[owner(port)])
        elif isinstance(sort, Real) and name in whole.numbers:
            values = whole.numbers[name]
            columns[name] = tables.scalings[name].apply(values) if sort.standard else values
        elif isinstance(sort, Class) and name in whole.texts:
            columns[name] = labels.encode(whole.texts[name], tables.labels[name])
    return encoded.make(ports, whole.count, columns)
