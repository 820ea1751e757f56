"""Which rows train, validate and test: drawn by a seed of its own, the same for ever."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import DataSettings, Share
from dsl.errors import DataError, Diagnostic
from dsl.source import Span
from runtime.data.table import plural

Indices = NDArray[np.int64]


def permutation(count: int, purpose: str, *numbers: int) -> Indices:
    """The numbers below count in an order that purpose and numbers decide.

    Made from Philox's raw bits: NumPy keeps those as they are for ever, but may change its `permutation`.
    """
    return np.argsort(_bits(count, purpose, *numbers), kind="stable").astype(np.int64)


def draws(count: int, purpose: str, *numbers: int) -> NDArray[np.float64]:
    """So many numbers from 0 to below 1, which purpose and numbers decide, for ever."""
    return (_bits(count, purpose, *numbers) >> np.uint64(11)) * 2.0**-53


def _bits(count: int, purpose: str, *numbers: int) -> NDArray[np.uint64]:
    key = np.frombuffer(sha256("/".join((purpose, *map(str, numbers))).encode()).digest()[:16], "<u8")
    return np.random.Philox(key=key.astype(np.uint64)).random_raw(count)


@dataclass(frozen=True)
class Split:
    """Rows of the `train` entry, each part in the order of the file; None for a part that does not come from there."""

    train: Indices
    valid: Indices | None
    test: Indices | None


def split(count: int, settings: DataSettings, fold: int | None, noun: str = "row") -> Split:
    """Take `test` (or the fold) first, then `valid` from what is left. noun: what is counted, for errors

    Raises DataError NN720 when a part would have no row.
    """
    rest = np.arange(count)
    test: Indices | None = None
    if settings.folds is not None and fold is not None:
        test = _fold(count, settings.folds, fold, settings.seed, settings.span)
        rest = np.setdiff1d(rest, test, assume_unique=True)
    elif isinstance(settings.test, Share):
        test, rest = _share(rest, settings.test, "test", settings.seed, noun)
    valid: Indices | None = None
    if isinstance(settings.valid, Share):
        valid, rest = _share(rest, settings.valid, "valid", settings.seed, noun)
    return Split(rest, valid, test)


def _share(rows: Indices, share: Share, part: str, seed: int, noun: str) -> tuple[Indices, Indices]:
    """The part and what is left of the rows."""
    size = max(int(len(rows) * share.share + 0.5), 1)
    if size >= len(rows):
        message = f"`{part} {100 * share.share:.6g}%` of {plural(len(rows), noun)} leaves none to train on"
        where = "" if noun == "document" else "where a line is a token, "
        parted = f"; {where}an empty line stands between two {noun}s" if len(rows) == 1 else ""
        help = f"give more {noun}s, or a smaller share{parted}"
        raise DataError(Diagnostic("NN720", message, share.span, help=help))
    if share.last:
        return rows[-size:], rows[:-size]
    order = permutation(len(rows), f"split {part}", seed)
    return rows[np.sort(order[:size])], rows[np.sort(order[size:])]


def _fold(count: int, folds: int, fold: int, seed: int, span: Span | None) -> Indices:
    """The rows of one fold; sizes differ by one row at most."""
    if folds > count:
        raise DataError(
            Diagnostic(
                "NN720",
                f"`folds {folds}` needs {folds} rows at least, but there are {count}",
                span,
                help="give more rows, or fewer folds",
            )
        )
    order = permutation(count, "split folds", seed)
    return np.sort(order[count * fold // folds : count * (fold + 1) // folds])
