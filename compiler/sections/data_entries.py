"""What each entry of `data` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler.settings.data import FORMATS, MISSING, RADIUS, WINDOW_KINDS
from compiler.signature import Setting, Signature

FILE_SETTINGS = (
    Setting(
        "paths",
        "text",
        "files, relative to the spec's folder; INPUT= and OUTPUT= where each has its own",
        many=True,
    ),
    Setting("columns", "name", "what each column of a row is, `_` for none", many=True),
    Setting("header", "flag", "the first row has headings"),
)
WINDOW_SETTINGS = (
    Setting("windows", "choice", "a running text: each word and its neighbours in the line", choices=WINDOW_KINDS),
    Setting("radius", "count", f"with windows=: how many words away the last neighbour is; {RADIUS}", low=1, high=1000),
    Setting("shrink", "flag", "with windows=: each time a radius that is drawn, from 1 on"),
)
SPLIT_SETTINGS = (
    *FILE_SETTINGS[1:],
    Setting("share", "number", "10%", low=0),
    Setting("paths", "text", "files", many=True),
    Setting("last", "flag", "the end"),
)
FILE_WORDS = tuple(setting.name for setting in SPLIT_SETTINGS)
DATA = {
    s.word: s
    for s in (
        Signature("train", "the rows to learn from", (*FILE_SETTINGS, *WINDOW_SETTINGS), ("paths",)),
        Signature(
            "valid",
            "the rows to choose by: a file, or a share of train",
            SPLIT_SETTINGS,
            ("share", "paths"),
        ),
        Signature(
            "test",
            "the rows to report: a file, or a share of train",
            SPLIT_SETTINGS,
            ("share", "paths"),
        ),
        Signature(
            "folds",
            "cross-validation: as many runs",
            (Setting("n", "count", "how many", required=True, low=2, high=1000),),
            ("n",),
        ),
        Signature(
            "format",
            "how the files are read, whatever their ending",
            (Setting("kind", "choice", "which", required=True, choices=FORMATS),),
            ("kind",),
        ),
        Signature(
            "seed", "of the splits", (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),), ("n",)
        ),
        Signature(
            "missing",
            "what a missing number is: an error, the reason to leave its row out, or in a series the last one again",
            (Setting("rows", "choice", "which", required=True, choices=MISSING),),
            ("rows",),
        ),
        Signature(
            "augment",
            "pictures are moved each time that they are trained on",
            (
                Setting("flip", "flag", "one half of them is mirrored, left and right"),
                Setting("crop", "count", "moved by so many pixels at most, up or down and left or right", low=1),
            ),
        ),
        Signature(
            "subsample",
            "with windows=: of a word whose share of the text is f, 1 - sqrt(t / f) are left out, drawn in each epoch",
            (Setting("t", "number", "a share; 1e-4 is usual", required=True, low=0, high=1, above=True),),
            ("t",),
        ),
        Signature("columns", "what each column is, by its heading", ()),
    )
}
"""The entries of `data`."""


def with_ports(names: Sequence[str]) -> dict[str, Signature]:
    """The entries of `data` for a model: each input and output may have files of its own."""
    table = dict(DATA)
    for word in ("train", "valid", "test"):
        row = table[word]
        own = [Setting(n, "text", "files of this input or output", many=True) for n in names if not row.setting(n)]
        table[word] = replace(row, settings=(*row.settings, *own))
    return table
