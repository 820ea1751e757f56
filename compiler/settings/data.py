"""The `data` section, resolved: what is read, and how its rows are divided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from posixpath import normpath
from typing import Literal, TypeAlias, get_args

from dsl.source import Span

OWN_FOLDER = "a spec reads only files in its own folder or below, or below the folder given with --data-root"


def path_refusal(written: str) -> str | None:
    """Why a path in a spec is refused by its text alone, as the rest of a sentence; None for one that may be opened."""
    if not written:
        return "is empty"
    if "\0" in written:
        return "holds a NUL character"
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", written):
        return "is an address of the network: nnc reads files only"
    if written.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:[\\/]", written):
        return "does not start from the spec's folder"
    if normpath(written).split("/")[0] == "..":
        return "leaves its folder through `..`"
    return None


@dataclass(frozen=True)
class Column:
    """One column of a row: port is None where it is skipped (`_`); heading where it is matched by name."""

    port: str | None
    heading: str | None
    span: Span | None = None


@dataclass(frozen=True)
class Beside:
    """The files of one input or output. named: as for Files."""

    port: str
    paths: tuple[str, ...]
    named: Span | None = None

    @property
    def free(self) -> bool:
        return self.named is not None


@dataclass(frozen=True)
class Files:
    """A `train`, `valid` or `test` entry that names files.

    paths: one or more files, read one after the other; none where they stand side by side
    beside: for each input and output files of its own, row by row beside the others'; as many for each
    columns: in the order they stand in a row; None where the spec does not say (then outputs, then inputs)
    named: where the command line names them: such paths start from the working directory and may lead anywhere
    """

    paths: tuple[str, ...]
    header: bool
    columns: tuple[Column, ...] | None
    span: Span
    named: Span | None = None
    beside: tuple[Beside, ...] = ()

    @property
    def free(self) -> bool:
        return self.named is not None

    @property
    def place(self) -> Span:
        """Where an error of the files themselves stands: in the spec, or on the command line that names them."""
        return self.named or self.span


@dataclass(frozen=True)
class Share:
    """`valid 10%`, `test 20% last`: a part of the rows of `train`. share is above 0 and below 1."""

    share: float
    last: bool
    span: Span


Format: TypeAlias = Literal["tsv", "csv", "jsonl", "idx", "npz", "text", "folder"]
FORMATS: tuple[Format, ...] = get_args(Format)


Missing: TypeAlias = Literal["error", "skip", "last"]
"""What a missing number is: an error, a reason to leave out its row (of a series, what would look at it), or the same
number as in the row before."""
MISSING: tuple[Missing, ...] = get_args(Missing)


WindowKind: TypeAlias = Literal["skipgram", "cbow"]
WINDOW_KINDS: tuple[WindowKind, ...] = get_args(WindowKind)
RADIUS = 5


@dataclass(frozen=True)
class Windows:
    """`train ... windows=skipgram radius=5 shrink`, `subsample 1e-4`: a running text, of whose words each has its
    neighbours: those of the same line, at most `radius` words away.

    kind: skipgram: a word predicts each of its neighbours; cbow: they predict the word
    shrink: in training the radius of each word is drawn anew in each epoch, from 1 to `radius`
    subsample: in training a word whose share of the text is f is left out with probability 1 - sqrt(subsample / f),
    which is drawn anew in each epoch; None for never
    """

    kind: WindowKind
    radius: int
    shrink: bool
    subsample: float | None
    span: Span


@dataclass(frozen=True)
class Augment:
    """`augment flip crop=4`: how pictures are moved each time that they are trained on.

    flip: one half of them is mirrored, left and right
    crop: zeros so wide are put around a picture, and a window of its own size is taken from anywhere
    """

    flip: bool = False
    crop: int = 0


@dataclass(frozen=True)
class DataSettings:
    """The `data` section.

    format: None where the files' names say it
    """

    train: Files
    valid: Files | Share | None = None
    test: Files | Share | None = None
    folds: int | None = None
    format: Format | None = None
    missing: Missing = "error"
    augment: Augment | None = None
    seed: int = 0
    span: Span | None = None
    windows: Windows | None = None
