"""What a caller from Python may give: a spec as a file or as its text, settings as a mapping, rows in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from compiler.experiment import Experiment
from compiler.settings.data import DataSettings, Files, Share
from dsl.errors import DataError, Diagnostic, SpecError
from nnc.spec_files import read_spec
from nnc.training import Recipe
from runtime.data import Dataset
from runtime.data.in_memory import dataset_of, entry_of
from runtime.data.memory_rows import Given
from runtime.data.tokens import Vocabulary

Spec: TypeAlias = "str | PathLike[str]"
"""A path; or the text itself, which is told from a path by a newline or a brace. A Path is always a path."""

Sets: TypeAlias = "Sequence[str] | Mapping[str, object]"
"""What `--set` takes: `["train.epochs=3"]`, or `{"train.epochs": 3}`."""

TEXT_NAME = "spec.nn"
"""What a spec that was given as text is called in errors and in its model file."""


@dataclass(frozen=True)
class RowsRecipe(Recipe):
    """A recipe whose data are rows in memory.

    rows: of `train`, and of `valid` and `test` where they are given apart
    """

    rows: Mapping[str, Given] = field(default_factory=dict[str, Given])

    def check(self, sizes: Mapping[str, int] | None = None, phase: int = 0) -> Experiment:
        """With test rows of their own there are no folds, whose rows these would be."""
        experiment = super().check(sizes, phase)
        if experiment.data is None or "test" not in self.rows:
            return experiment
        return replace(experiment, data=replace(experiment.data, folds=None))

    def read(
        self, experiment: Experiment, fold: int | None = None, vocabularies: Mapping[str, Vocabulary] | None = None
    ) -> Dataset:
        settings = _settings(experiment.data, self.rows)
        if experiment.train.patience is not None and "valid" not in self.rows and settings.valid is None:
            message = "stop needs validation rows, and none are given"
            raise SpecError(Diagnostic("NN605", message, experiment.train.stop_span, help="give them: valid=rows"))
        return dataset_of(experiment.network.ports, settings, self.rows, fold=fold, vocabularies=vocabularies)


def _settings(spec: DataSettings | None, rows: Mapping[str, Given]) -> DataSettings:
    """How rows in memory are divided: as the spec says, where they are not given apart. Its files are left out."""
    if spec is None:
        return DataSettings(entry_of("train"))

    def share(name: str, entry: Files | Share | None) -> Share | None:
        return entry if name not in rows and isinstance(entry, Share) else None

    return replace(spec, train=entry_of("train"), valid=share("valid", spec.valid), test=share("test", spec.test))


def with_rows(recipe: Recipe, data: Given | None, valid: Given | None, test: Given | None) -> Recipe:
    """The recipe for these rows; as it is where there are none. Raises DataError NN892 for others without `data`."""
    if data is None:
        if valid is None and test is None:
            return recipe
        which = "validation" if valid is not None else "test"
        help = "give all rows in memory, or name all files in the spec"
        raise DataError(Diagnostic("NN892", f"{which} rows are given without training rows", help=help))
    given = {"train": data, "valid": valid, "test": test}
    # A generator can be read but once; folds and phases read again.
    rows = {n: list(r) if isinstance(r, Iterator) else r for n, r in given.items() if r is not None}
    made = RowsRecipe(**{f.name: getattr(recipe, f.name) for f in fields(Recipe)}, rows=rows)
    return replace(made, sets=(*made.sets, "data.valid=10%")) if valid is not None and _lacks_valid(made) else made


def _lacks_valid(recipe: Recipe) -> bool:
    """Whether all that is wrong is that the spec's data lack validation rows for `stop`: here they are given."""
    try:
        recipe.check()
    except SpecError as error:
        return all(d.code == "NN605" for d in error.diagnostics)
    return False


def recipe_of(
    spec: Spec,
    *,
    set: Sets = (),
    seed: int | None = None,
    data_root: str | PathLike[str] | None = None,
    optimized: bool = True,
) -> Recipe:
    """The recipe of a spec; of one that is text, files are looked for in the working directory."""
    root = None if data_root is None else Path(data_root)
    if isinstance(spec, str) and ("\n" in spec or "{" in spec):
        return Recipe(Path(TEXT_NAME), spec.encode(errors="surrogatepass"), sets_of(set), seed, root, optimized)
    path = Path(spec)
    return Recipe(path, read_spec(path), sets_of(set), seed, root, optimized)


def sets_of(given: Sets) -> tuple[str, ...]:
    """As on the command line; a text alone is one of them."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{name}={value}" for name, value in given.items())
    # What is no text is refused as one that is no PATH=VALUE.
    return tuple(map(str, given))
