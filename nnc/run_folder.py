"""The folder of a run: `model.safetensors`, `log.jsonl`, `spec.nn`, `fold-N/`. Nothing else in it is ever touched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsl.errors import Diagnostic, RunError
from dsl.render import show
from dsl.source import shown
from runtime.storage import write_atomically

MODEL = "model.safetensors"
LOG = "log.jsonl"
SPEC = "spec.nn"
OWN_FILES = frozenset({MODEL, LOG, SPEC})
FOLD = re.compile(r"fold-[1-9][0-9]{0,5}")


def new_run(given: Path | None, stem: str, overwrite: bool) -> Path:
    """Make the folder of a new run: the given one, else `runs/STEM` or the next free `runs/STEM-2`.

    A run that it holds stays until `begin`: what is refused by then has deleted nothing.

    Raises RunError NN861 for a folder that may not be used, NN805 where none can be made.
    """
    try:
        if given is not None:
            return _given(given, overwrite)
        number = 1
        while True:
            folder = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                number += 1
    except OSError as error:
        raise RunError(_not_made(error, given or Path("runs"))) from None


def _not_made(error: OSError, folder: Path) -> Diagnostic:
    where = show(str(error.filename or folder))
    reason = show(error.strerror or str(error))
    return Diagnostic("NN805", f"{where} cannot be made: {reason}", help="choose another folder with --out")


def _given(folder: Path, overwrite: bool) -> Path:
    if folder.is_symlink() or folder.exists():
        if not folder.is_dir():
            raise RunError(_refused(folder, "is a file", "give the name of a folder"))
        names = {entry.name for entry in folder.iterdir()}
        if names and not is_run(folder):
            raise RunError(_refused(folder, "holds something that is not a run", "choose a new folder"))
        if names and not overwrite:
            raise RunError(
                _refused(
                    folder, "holds a run already", "--overwrite replaces it; without --out the run gets a new folder"
                )
            )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_run(folder: Path) -> bool:
    """Whether a folder looks like one that we made: its log or its model is there."""
    return (folder / MODEL).is_file() or (folder / LOG).is_file()


def _empty(folder: Path) -> None:
    """Delete a run's own files, and its folders of folds where nothing else is in them."""
    for entry in list(folder.iterdir()):
        if FOLD.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            _empty(entry)
            if not any(entry.iterdir()):
                entry.rmdir()
        elif entry.name in OWN_FILES and not entry.is_dir():
            entry.unlink()


def fold_folder(run: Path, fold: int) -> Path:
    """The folder of a fold, numbered from 0 here and from 1 on the disk."""
    folder = run / f"fold-{fold + 1}"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(_not_made(error, folder)) from None
    return folder


def begin(folder: Path, fold: int | None, spec: str) -> None:
    """Write the spec into the folder of a run or a fold. The first one replaces the run that was there before.

    The empty log says that this is a run, even where it is killed before its first epoch ends.
    """
    if not fold:
        run = folder if fold is None else folder.parent
        try:
            _empty(run)
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(_not_made(error, folder)) from None
        write_atomically(run / LOG, [])
    write_atomically(folder / SPEC, [spec.encode()])


def discard(folder: Path, whole: bool = True) -> None:
    """Take back the folders of folds in which nothing was written, and with whole that of the run."""
    folds = [entry for entry in folder.glob("*") if FOLD.fullmatch(entry.name)]
    for entry in (*folds, *([folder] if whole else [])):
        if entry.is_dir() and not entry.is_symlink() and not any(entry.iterdir()):
            entry.rmdir()


def add_to_log(folder: Path, entry: Mapping[str, Any]) -> None:
    """One line of JSON at the end of the log."""
    try:
        with (folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n")
    except OSError as error:
        reason = show(error.strerror or str(error))
        raise RunError(
            Diagnostic("NN805", f"{show(str(folder / LOG))} cannot be written: {reason}", help="make room on the disk")
        ) from None


def model_path(run: Path) -> Path:
    """The model file that RUN on a command line means. Raises RunError NN862 where there is none."""
    try:
        is_folder, is_there = run.is_dir(), run.exists()
    except OSError as error:
        reason = show(error.strerror or str(error))
        raise RunError(Diagnostic("NN862", f"{show(str(run))} cannot be read: {reason}")) from None
    if not is_folder:
        if is_there:
            return run
        raise RunError(
            Diagnostic("NN862", f"there is no run {show(str(run))}", help=_runs_here() or "nnc train makes one")
        )
    if (run / MODEL).is_file():
        return run / MODEL
    folds = sorted((p for p in run.glob("fold-*") if FOLD.fullmatch(p.name)), key=lambda p: int(p.name[5:]))
    if folds:
        hint = f"it has {len(folds)} folds, each with a model: choose one, such as {show(shown(folds[0]))}"
    else:
        hint = "a run's folder has a model.safetensors; this one has none"
    raise RunError(Diagnostic("NN862", f"{show(str(run))} holds no model", help=hint))


def _runs_here() -> str:
    found = sorted(str(path.parent) for path in Path("runs").glob(f"*/{MODEL}"))
    return f"the runs here: {', '.join(show(name) for name in found[:5])}" if found else ""


def _refused(folder: Path, reason: str, hint: str) -> Diagnostic:
    return Diagnostic("NN861", f"{show(str(folder))} {reason}", help=hint)
