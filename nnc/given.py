"""What a caller from Python may give: a spec as a file or as its text, settings as text or as a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from nnc.spec_files import read_spec
from nnc.training import Recipe

Spec: TypeAlias = "str | PathLike[str]"
"""A path; or the text itself, which is told from a path by a newline or a brace. A Path is always a path."""

Sets: TypeAlias = "Sequence[str] | Mapping[str, object]"
"""What `--set` takes: `["train.epochs=3"]`, or `{"train.epochs": 3}`."""

TEXT_NAME = "spec.nn"
"""What a spec that was given as text is called in errors and in its model file."""


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
        return Recipe(Path(TEXT_NAME), spec.encode(errors="surrogateescape"), sets_of(set), seed, root, optimized)
    path = Path(spec)
    return Recipe(path, read_spec(path), sets_of(set), seed, root, optimized)


def sets_of(given: Sets) -> tuple[str, ...]:
    """As on the command line; a text alone is one of them."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(f"{name}={_written(value)}" for name, value in given.items())
    return tuple(given)


def _written(value: object) -> str:
    """A value as `--set` reads it: numbers of NumPy print as Python's do."""
    return str(value)
