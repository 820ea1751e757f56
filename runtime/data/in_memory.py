"""From rows in memory to encoded rows: what `dataset` does for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from compiler.settings.data import DataSettings, Files
from compiler.sorts import Port
from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data.assembly.entries import Dataset, Entries
from runtime.data.dataset import assemble, encode_raw
from runtime.data.memory_rows import Given, fingerprint, read_memory
from runtime.data.problems import Problems
from runtime.data.raw import Raw, check_alike
from runtime.data.rows import Rows
from runtime.data.series import has_series
from runtime.data.tables import Tables
from runtime.data.tokens import Vocabulary


def dataset_of(
    ports: tuple[Port, ...],
    settings: DataSettings,
    parts: Mapping[str, Given],
    *,
    fold: int | None = None,
    vocabularies: Mapping[str, Vocabulary] | None = None,
) -> Dataset:
    """Read, split, fit and encode.

    parts: rows of `train` (examples, where files would be a running text), and of `valid` and `test` where they have
        their own, in this order
    fold, vocabularies: as for files

    Raises DataError with all that is wrong, up to a limit.
    """
    problems = Problems()
    keep = has_series(ports) and settings.missing != "error"
    read = {name: read_memory(ports, given, name, problems, keep_missing=keep) for name, given in parts.items()}
    problems.check()
    raw = {name: Raw.of_one(part) for name, part in read.items()}
    check_alike(raw, {name: entry_of(name) for name in raw}, problems)
    problems.check()
    print_of_all = fingerprint({name: part.columns for name, part in read.items()})
    settings = replace(settings, windows=None)
    return assemble(Entries(ports, settings, raw, problems, print_of_all, fold, vocabularies)).dataset


def entry_of(name: str) -> Files:
    """What stands for the files of a part, `train`."""
    return Files((), False, None, Span(f"{name} (in memory)", 1, 1, 1, 1, ""))


def rows_of(
    ports: tuple[Port, ...], tables: Tables, given: Given, name: str, *, outputs_optional: bool
) -> tuple[Rows, tuple[Diagnostic, ...]]:
    """Rows, encoded as the model's own, and warnings. outputs_optional: for prediction, the inputs are enough."""
    problems = Problems()
    part = read_memory(ports, given, name, problems, outputs_optional=outputs_optional)
    problems.check()
    rows = encode_raw(ports, tables, Raw.of_one(part), problems, outputs_optional=outputs_optional)
    return rows, tuple(problems.warnings)
