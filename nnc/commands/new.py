"""`nnc new FILE [--from SPEC]`: a spec to begin with."""

from __future__ import annotations

import os
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.nearest import nearest
from dsl.render import show
from nnc.spec_files import read_spec, shipped_folder, shipped_names

STARTER = """\
# What it tells apart, and from what
model classifier(text: words(lower, punctuation)) -> label: class {
  embed 128
  conv k=2,3 filters=100 relu
  maxpool
  dropout 0.5
  dense softmax
}

data {
  train "train.tsv" columns=label,text    # a line an example: its label, a TAB, its text
  valid 10%
  test 10%
}

train {
  adam lr=1e-3
  batch 50
  epochs 10
  stop patience=3
}
"""


def run(file: Path, source: str | None) -> int:
    if not file.name:
        raise RunError(Diagnostic("NN805", f"{show(str(file))} is a folder", help="name the file to write: my.nn"))
    path = file if file.suffix else file.with_suffix(".nn")
    text = STARTER if source is None else _copied(source)
    _write_new(path, text)
    shown = show(str(path))
    print(f"wrote {shown}. Name your file in its data section, then:  nnc check --data {shown} ; nnc train {shown}")
    return 0


def _copied(source: str) -> str:
    """A shipped spec by its name, or a file; where the data is looked for moves with it, so that is said in it."""
    name = source if source.endswith(".nn") else f"{source}.nn"
    if name in shipped_names():
        path = shipped_folder() / name
    elif os.path.exists(source):
        path = Path(source)
    else:
        near = nearest(name, shipped_names())
        hint = f"did you mean {near}?" if near else f"these ship: {', '.join(shipped_names())}"
        raise RunError(Diagnostic("NN860", f"no spec {show(source)} ships, and there is no such file", help=hint))
    from dsl.parse import decode

    text = decode(read_spec(path), show(str(path)))
    return _to_fill_in(text)


def _to_fill_in(text: str) -> str:
    """The spec with a line above its data section that says what to do there."""
    lines = text.splitlines(keepends=True)
    for i, line in enumerate(lines):
        if line.startswith("data"):
            lines.insert(i, "# name your own files here: paths start from this file's folder\n")
            break
    return "".join(lines)


def _write_new(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        raise RunError(
            Diagnostic(
                "NN863", f"{show(str(path))} is there already", help="nnc new never overwrites: choose another name"
            )
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(_unwritten(path, error)) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise RunError(_unwritten(path, error)) from None


def _unwritten(path: Path, error: OSError | ValueError) -> Diagnostic:
    reason = getattr(error, "strerror", None) or str(error)
    return Diagnostic("NN805", f"{show(str(path))} cannot be written: {show(reason)}")
