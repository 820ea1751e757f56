"""From the `data` section or another file to encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from compiler.settings.data import DataSettings, Files, Format, Missing, Windows
from compiler.sorts import Port, pair_of
from dsl.errors import Diagnostic
from runtime.data.assembly import documents, examples, series, stream, windows
from runtime.data.assembly.entries import Assembled, Dataset, Entries
from runtime.data.files import DataFile, fingerprint, resolve
from runtime.data.following import stream_of
from runtime.data.problems import Problems
from runtime.data.raw import Raw, check_alike, read_files
from runtime.data.rows import Rows
from runtime.data.series import has_series
from runtime.data.tables import Tables
from runtime.data.tokens import Vocabulary


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
    return assemble(Entries(ports, settings, parts, problems, fingerprint(read_from), fold, vocabularies))


def assemble(entries: Entries) -> Assembled:
    """Split, fit and encode. Raises DataError with all that is wrong, up to a limit."""
    if entries.settings.windows is not None:
        return windows.assemble(entries, entries.settings.windows)
    if pair_of(entries.ports) is not None:
        return documents.assemble(entries)
    if stream_of(entries.ports) is not None:
        return stream.assemble(entries)
    if has_series(entries.ports):
        return series.assemble(entries)
    return examples.assemble(entries)


def _missing(ports: tuple[Port, ...], missing: Missing) -> dict[str, bool]:
    """How the readers take a number that is missing: the windows of a series are cut later."""
    return {"keep_missing" if has_series(ports) else "skip_missing": missing != "error"}


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
        rows = windows.of_file(ports, tables, raw, problems, of)
    else:
        rows = encode_raw(ports, tables, raw, problems, missing, outputs_optional=outputs_optional)
    return rows, tuple(problems.warnings)


def read_raw(ports: tuple[Port, ...], files: Files, folder: Path, *, format: Format | None = None) -> Raw:
    """The rows of other files, to forecast from: numbers may be missing, and there need be no outputs."""
    problems = Problems()
    find = _finder(files, folder, None)
    raw, _ = read_files(ports, files, format, find, problems, outputs_optional=True, keep_missing=True)
    problems.check()
    return raw


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
    if pair_of(ports) is not None and not outputs_optional:
        return documents.of_file(ports, tables, raw, problems)
    if stream_of(ports) is not None:
        return stream.of_file(ports, tables, raw, problems)
    if has_series(ports):
        return series.of_file(ports, tables, raw, problems, missing)
    return examples.of_file(ports, tables, raw, problems, outputs_optional=outputs_optional)


def _finder(files: Files, folder: Path, data_root: Path | None) -> Callable[[str, bool], Path]:
    return lambda written, free: resolve(written, folder, data_root, files.span, free=free)
