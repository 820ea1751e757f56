"""What a dataset is made from, and what it is made to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from compiler.settings.data import Augment, DataSettings
from compiler.sorts import Port
from dsl.errors import Diagnostic
from runtime.data.problems import Problems
from runtime.data.raw import Raw
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


@dataclass(frozen=True)
class Entries:
    """The rows of the `data` section as they were read, and what decides how a dataset is made of them.

    parts: the rows of `train`, and of `valid` and `test` where they have their own, in this order
    fingerprint: of the files; fold: of `folds`, whose rows are the test rows
    vocabularies: those that are given, by owner, and not learnt from these rows
    """

    ports: tuple[Port, ...]
    settings: DataSettings
    parts: Mapping[str, Raw]
    problems: Problems
    fingerprint: str
    fold: int | None = None
    vocabularies: Mapping[str, Vocabulary] | None = None

    @cached_property
    def whole(self) -> Whole:
        return Whole.of(tuple(self.parts.values()))

    def splits(self) -> dict[str, Indices]:
        """Which rows of the whole are whose. Raises DataError NN720 where a split would have none."""
        divided = split(self.parts["train"].count, self.settings, self.fold)
        found: dict[str, Indices] = {"train": divided.train}
        for name, drawn in (("valid", divided.valid), ("test", divided.test)):
            if drawn is not None:
                found[name] = drawn
            elif name in self.parts:
                first = self.whole.first_row(list(self.parts).index(name))
                found[name] = np.arange(first, first + self.parts[name].count)
        return found

    def dataset(self, rows: Mapping[str, Rows], tables: Tables) -> Dataset:
        """rows: of each split. With the warnings that there are by now."""
        return Dataset(
            rows["train"],
            rows.get("valid"),
            rows.get("test"),
            tables,
            tuple(self.problems.warnings),
            self.fingerprint,
            self.settings.augment,
        )
