"""From the `data` section or another file to encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from compiler.settings.data import Augment, DataSettings, Files, Format, Missing, Windows
from compiler.sorts import Port, owner, pair_of
from dsl.errors import DataError, Diagnostic
from dsl.source import Span
from runtime.data import fitting, following, repeats, running, series, streams, subwords, tokens, windows
from runtime.data import rows as encoded
from runtime.data.files import DataFile, fingerprint, resolve
from runtime.data.problems import Problems
from runtime.data.raw import Raw, check_alike, read_files
from runtime.data.real import Scaling
from runtime.data.rows import Rows
from runtime.data.splits import Indices, split
from runtime.data.tables import Tables
from runtime.data.tokens import Tokenised, Vocabulary
from runtime.data.whole import Whole


@dataclass(frozen=True)
class Dataset:
    """The data of a run.

    fingerprint: SHA-256 of the text of all files; a run is resumed only with the same
    augment: how pictures are moved in training
    """

    train: Rows
    valid: Rows | None
    test: Rows | None
    tables: Tables
    warnings: tuple[Diagnostic, ...]
    fingerprint: str
    augment: Augment | None = None


@dataclass(frozen=True)
class Assembled:
    """A dataset beside the rows that it was made from.

    splits: which of these are whose; of a stream tokenised has a row for each split, and lines what they are made of
    """

    dataset: Dataset
    whole: Whole
    tokenised: Mapping[str, Tokenised]
    splits: Mapping[str, Indices]
    lines: Mapping[str, Tokenised] = field(default_factory=dict[str, "Tokenised"])


def read(
    ports: tuple[Port, ...],
    settings: DataSettings,
    folder: Path,
    data_root: Path | None,
    *,
    fold: int | None = None,
    vocabularies: Mapping[str, Vocabulary] | None = None,
) -> Dataset:
    """Read, split, fit and encode.

    folder: the spec's; data_root takes its place where given
    fold: of `folds`, whose rows are the test rows
    vocabularies: those that are given, by owner, and not learnt from these rows

    Raises DataError with all that is wrong in the files, up to a limit.
    """
    return read_closely(ports, settings, folder, data_root, fold=fold, vocabularies=vocabularies).dataset


def read_closely(
    ports: tuple[Port, ...],
    settings: DataSettings,
    folder: Path,
    data_root: Path | None,
    *,
    fold: int | None = None,
    vocabularies: Mapping[str, Vocabulary] | None = None,
) -> Assembled:
    """As `read`, for who looks into the rows."""
    problems = Problems()
    parts: dict[str, Raw] = {}
    entries: dict[str, Files] = {}
    read_from: list[tuple[str, list[DataFile]]] = []
    for name, entry in (("train", settings.train), ("valid", settings.valid), ("test", settings.test)):
        if isinstance(entry, Files):
            find = _finder(entry, folder, data_root)
            read_as = ports if settings.windows is None else (windows.text_port(ports),)
            form = settings.format if settings.windows is None and pair_of(ports) is None else "text"
            parts[name], used = read_files(read_as, entry, form, find, problems, **_missing(ports, settings.missing))
            read_from.append((name, used))
            entries[name] = entry
    check_alike(parts, entries, problems)
    problems.check()
    return assemble(ports, settings, parts, problems, fingerprint(read_from), fold=fold, vocabularies=vocabularies)


def assemble(
    ports: tuple[Port, ...],
    settings: DataSettings,
    parts: Mapping[str, Raw],
    problems: Problems,
    fingerprint: str,
    *,
    fold: int | None = None,
    vocabularies: Mapping[str, Vocabulary] | None = None,
) -> Assembled:
    """Split, fit and encode. parts: the rows of `train`, and of `valid` and `test` where they have their own."""
    if settings.windows is not None:
        return _assemble_text(ports, settings, settings.windows, parts, problems, fingerprint, fold, vocabularies)
    if pair_of(ports) is not None:
        return _assemble_documents(ports, settings, parts, problems, fingerprint, fold, vocabularies)
    if following.stream_of(ports) is not None:
        return _assemble_stream(ports, settings, parts, problems, fingerprint, fold, vocabularies)
    scalings: dict[str, Scaling] = {}
    if series.has_series(ports):
        parts, splits, scalings = _examples(ports, settings, parts, problems)
        whole = Whole.of(tuple(parts.values()))
    else:
        whole = Whole.of(tuple(parts.values()))
        splits = _splits(whole, parts, settings, fold)
    tokenised = whole.tokenised(ports, problems)
    known = subwords.learnt(ports, tokenised, splits["train"], vocabularies)
    tokenised = subwords.cut(ports, tokenised, known)
    tables = fitting.fit(ports, tokenised, whole.columns, splits["train"], known)
    tables = replace(tables, scalings={**tables.scalings, **scalings})
    everything = whole.encoded(ports, tables, tokenised)
    fitting.warn(ports, tokenised, whole.columns, whole.span, splits, everything, problems)
    repeats.warn(ports, whole, splits, problems)
    dataset = Dataset(
        everything.take(splits["train"]),
        everything.take(splits["valid"]) if "valid" in splits else None,
        everything.take(splits["test"]) if "test" in splits else None,
        tables,
        tuple(problems.warnings),
        fingerprint,
        settings.augment,
    )
    return Assembled(dataset, whole, tokenised, splits)


def _missing(ports: tuple[Port, ...], missing: Missing) -> dict[str, bool]:
    """How the readers take a number that is missing: the windows of a series are cut later."""
    return {"keep_missing" if series.has_series(ports) else "skip_missing": missing != "error"}


def _examples(
    ports: tuple[Port, ...], settings: DataSettings, parts: Mapping[str, Raw], problems: Problems
) -> tuple[dict[str, Raw], dict[str, Indices], dict[str, Scaling]]:
    """Of time series the parts with a row for each example, which of these are whose, and the scalings."""
    filled = {name: series.carried_on(ports, raw, settings.missing) for name, raw in parts.items()}
    rows = series.divided(parts["train"], settings)
    scalings = series.fit(ports, filled["train"], rows.train)
    scaled = {name: series.scaled(ports, raw, scalings) for name, raw in filled.items()}
    cut = {name: series.examples(ports, scaled[name], parts[name], name, problems) for name in parts}
    splits: dict[str, Indices] = {}
    first, ahead = 0, series.furthest(ports)
    for name, each in cut.items():
        splits[name] = np.arange(first, first + each.raw.count)
        first += each.raw.count
    for name, chosen in (("train", rows.train), ("valid", rows.valid), ("test", rows.test)):
        if chosen is not None:
            splits[name] = series.inside(cut["train"], chosen, ahead)
    series.require(splits, ports)
    return {name: each.raw for name, each in cut.items()}, splits, scalings


def _splits(whole: Whole, parts: Mapping[str, Raw], settings: DataSettings, fold: int | None) -> dict[str, Indices]:
    """Which rows of the whole are whose."""
    divided = split(parts["train"].count, settings, fold)
    splits: dict[str, Indices] = {"train": divided.train}
    for name, drawn in (("valid", divided.valid), ("test", divided.test)):
        if drawn is not None:
            splits[name] = drawn
        elif name in parts:
            first = whole.first_row(list(parts).index(name))
            splits[name] = np.arange(first, first + parts[name].count)
    return splits


def _assemble_text(
    ports: tuple[Port, ...],
    settings: DataSettings,
    of: Windows,
    parts: Mapping[str, Raw],
    problems: Problems,
    fingerprint: str,
    fold: int | None,
    vocabularies: Mapping[str, Vocabulary] | None,
) -> Assembled:
    """A running text, split by its lines; its windows are the examples."""
    whole = Whole.of(tuple(parts.values()))
    splits = _splits(whole, parts, settings, fold)
    text = windows.text_port(ports)
    tokenised = whole.tokenised((text,), problems)
    tables = fitting.fit((text,), tokenised, whole.columns, splits["train"], vocabularies)
    counts = tokens.counts_of(tables.vocabularies[text.name], [(tokenised[text.name], splits["train"])])
    tables = replace(tables, counts={text.name: counts})
    every = windows.running_text(ports, of, tokenised[text.name], tables.vocabularies[text.name], counts)
    fitting.warn((text,), tokenised, whole.columns, whole.span, splits, encoded.make((text,), 0, {}), problems)
    rows = {name: windows.take_lines(every, lines) for name, lines in splits.items()}
    for name, each in rows.items():
        if not each.count(0, 0) and not len(each.everything()):
            raise DataError(_no_windows(f"the {name} lines", of.span))
    if (expected := rows["train"].expected_words) < 2:
        raise DataError(windows.nothing_stays(of, f"{expected:.2g} words of an epoch"))
    train = encoded.of_text(ports, rows["train"], tables.counts)
    scored = {
        n: encoded.of_text(ports, each, tables.counts).of_windows(each.everything())
        for n, each in rows.items()
        if n != "train"
    }
    dataset = _dataset(train, scored, tables, problems, fingerprint)
    return Assembled(dataset, whole, tokenised, splits)


def _assemble_documents(
    ports: tuple[Port, ...],
    settings: DataSettings,
    parts: Mapping[str, Raw],
    problems: Problems,
    fingerprint: str,
    fold: int | None,
    vocabularies: Mapping[str, Vocabulary] | None,
) -> Assembled:
    """A running text, split by its documents; pairs of its sentences are the examples."""
    whole, read = Whole.of(tuple(parts.values())), running.as_lines(ports)
    tokenised = whole.tokenised(read, problems)
    (text,) = (p for p in read if not p.output)
    found = running.Lines.of(tokenised[text.name], tuple(parts.values()))
    documents = found.splits(list(parts), settings, fold)
    splits = {name: found.in_documents(each) for name, each in documents.items()}
    tables = fitting.fit(read, tokenised, whole.columns, splits["train"], vocabularies)
    fitting.warn((text,), tokenised, whole.columns, whole.span, splits, encoded.make((text,), 0, {}), problems)
    every = running.documents_of(ports, found, tokenised[text.name], tables.vocabularies[owner(text)])
    train = running.to_learn(every.take(documents["train"]))
    scored = {n: running.to_score(every.take(each), n) for n, each in documents.items() if n != "train"}
    dataset = _dataset(train, scored, tables, problems, fingerprint)
    return Assembled(dataset, whole, tokenised, splits)


def _dataset(train: Rows, scored: Mapping[str, Rows], tables: Tables, problems: Problems, fingerprint: str) -> Dataset:
    """With the warnings that there are by now."""
    return Dataset(train, scored.get("valid"), scored.get("test"), tables, tuple(problems.warnings), fingerprint)


def _no_windows(lines: str, span: Span | None) -> Diagnostic:
    message = f"{lines} have no word with a neighbour: each line has one word at most that has an id"
    return Diagnostic("NN790", message, span, help="a line is a sentence; lower `min=`, or write more words in a line")


def _assemble_stream(
    ports: tuple[Port, ...],
    settings: DataSettings,
    parts: Mapping[str, Raw],
    problems: Problems,
    fingerprint: str,
    fold: int | None,
    vocabularies: Mapping[str, Vocabulary] | None,
) -> Assembled:
    """All lines of each split end to end; a split is by tokens."""
    whole = Whole.of(tuple(parts.values()))
    lines = whole.tokenised(ports, problems)
    counts = [(name, raw.count) for name, raw in parts.items()]
    made = streams.streams(ports, lines, counts, settings, fold)
    known = subwords.learnt(ports, made.counted, made.splits["train"], vocabularies)
    made, lines = subwords.cut_stream(made, ports, known), subwords.cut(ports, lines, known)
    tables = fitting.fit(ports, made.counted, whole.columns, made.splits["train"], known)
    rows = {name: made.rows(ports, tables, name) for name in made.splits}
    fitting.warn(ports, made.counted, whole.columns, whole.span, made.splits, rows["train"], problems)
    dataset = _dataset(rows["train"], rows, tables, problems, fingerprint)
    return Assembled(dataset, whole, made.counted, made.splits, lines)


def read_file(
    ports: tuple[Port, ...],
    tables: Tables,
    files: Files,
    folder: Path,
    data_root: Path | None = None,
    *,
    format: Format | None = None,
    outputs_optional: bool = False,
    missing: Missing = "error",
    of: Windows | None = None,
) -> tuple[Rows, tuple[Diagnostic, ...]]:
    """The rows of other files, encoded as the model's own, and warnings.

    outputs_optional: the outputs' columns may be absent, as for prediction; of: the files are running text
    missing: what a number that is missing is
    """
    problems = Problems()
    running_text = not outputs_optional and pair_of(ports) is not None
    raw, _ = read_files(
        ports if of is None else (windows.text_port(ports),),
        files,
        format if of is None and not running_text else "text",
        _finder(files, folder, data_root),
        problems,
        outputs_optional=outputs_optional,
        **_missing(ports, missing),
    )
    problems.check()
    if of is not None:
        return _windows_of(ports, tables, of, raw, problems), tuple(problems.warnings)
    return encode_raw(ports, tables, raw, problems, missing, outputs_optional=outputs_optional), tuple(
        problems.warnings
    )


def read_raw(ports: tuple[Port, ...], files: Files, folder: Path, *, format: Format | None = None) -> Raw:
    """The rows of other files, to forecast from: numbers may be missing, and there need be no outputs."""
    problems = Problems()
    find = _finder(files, folder, None)
    raw, _ = read_files(ports, files, format, find, problems, outputs_optional=True, keep_missing=True)
    problems.check()
    return raw


def _windows_of(ports: tuple[Port, ...], tables: Tables, of: Windows, raw: Raw, problems: Problems) -> Rows:
    """All windows of a running text."""
    text = windows.text_port(ports)
    tokenised = Whole.of((raw,)).tokenised((text,), problems)[text.name]
    every = windows.running_text(ports, of, tokenised, tables.vocabularies[text.name], tables.counts[text.name])
    pairs = every.everything()
    if not len(pairs):
        raise DataError(_no_windows("the lines", raw.span(text.name, 0)))
    return encoded.of_text(ports, every, tables.counts).of_windows(pairs)


def encode_raw(
    ports: tuple[Port, ...],
    tables: Tables,
    raw: Raw,
    problems: Problems,
    missing: Missing = "error",
    *,
    outputs_optional: bool = False,
) -> Rows:
    """The rows encoded as the model's own; warnings go to problems. missing: of a series, see `read_file`

    outputs_optional: of a running text too, rows are what they are; else they are sentences that pairs are drawn from
    """
    if series.has_series(ports):
        filled = series.scaled(ports, series.carried_on(ports, raw, missing), tables.scalings)
        raw = series.examples(ports, filled, raw, "given", problems).raw
    whole = Whole.of((raw,))
    pair = pair_of(ports)
    if pair is not None and not outputs_optional:
        lines = whole.tokenised(running.as_lines(ports), problems)
        return running.of_file(ports, raw, lines, tables.vocabularies[owner(pair)])
    tokenised = subwords.cut(ports, whole.tokenised(ports, problems), tables.vocabularies)
    if following.stream_of(ports) is not None:
        made = streams.streams(ports, tokenised, [("test", raw.count)])
        return made.rows(ports, tables, "test")
    result = whole.encoded(ports, tables, tokenised)
    splits = {"test": np.arange(raw.count)}
    fitting.warn(ports, tokenised, whole.columns, whole.span, splits, result, problems)
    return result


def _finder(files: Files, folder: Path, data_root: Path | None) -> Callable[[str, bool], Path]:
    return lambda written, free: resolve(written, folder, data_root, files.span, free=free)
