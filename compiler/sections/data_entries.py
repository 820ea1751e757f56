"""What each entry of `data` takes."""

from __future__ import annotations

from compiler.signature import Setting, Signature

FILE_SETTINGS = (
    Setting("paths", "text", "files, relative to the spec's folder", required=True, many=True),
    Setting("columns", "name", "what each column of a row is, `_` for none", many=True),
    Setting("header", "flag", "the first row has headings"),
)
SPLIT_SETTINGS = (
    *FILE_SETTINGS[1:],
    Setting("share", "number", "10%", low=0),
    Setting("paths", "text", "files", many=True),
    Setting("last", "flag", "the end"),
)
DATA = {
    s.word: s
    for s in (
        Signature("train", "the rows to learn from", FILE_SETTINGS, ("paths",), ("windows", "radius", "shrink")),
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
            (Setting("kind", "choice", "which", required=True, choices=("tsv", "csv")),),
            ("kind",),
            ("jsonl", "idx", "npz", "folder", "text"),
        ),
        Signature(
            "seed", "of the splits", (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),), ("n",)
        ),
        Signature("columns", "what each column is, by its heading", ()),
    )
}
"""The entries of `data`."""
