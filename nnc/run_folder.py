"""The folder of a run: model, checkpoint, log, times, spec and `fold-N/`. Nothing else in it is ever touched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import show
from dsl.source import shown
from runtime.storage import SUFFIX, remove_strays, write_atomically

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
TIMES = "times.jsonl"
"""Seconds of each epoch as it was made: the one file that differs between two runs of the same spec."""
SPEC = "spec.nn"
OWN_FILES = frozenset({MODEL, CHECKPOINT, LOG, TIMES, SPEC})
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


@contextmanager
def folder_of_run(given: Path | None, stem: str, *, resume: bool, overwrite: bool) -> Iterator[Path]:
    """The folder of a run that is new, or is gone on with; afterwards it is taken back where nothing was written.

    Raises what new_run and resumed_run raise.
    """
    ours = given is None or not os.path.lexists(given)
    folder = resumed_run(given, stem) if resume else new_run(given, stem, overwrite)
    try:
        yield folder
    finally:
        discard(folder, whole=ours)


def _not_made(error: OSError, folder: Path) -> Diagnostic:
    where = show(str(error.filename or folder))
    reason = show(error.strerror or str(error))
    return Diagnostic("NN805", f"{where} cannot be made: {reason}", help="choose another folder with --out")


def _given(folder: Path, overwrite: bool) -> Path:
    if _holds_a_run(folder) and not overwrite:
        hint = (
            "--resume goes on with it, --overwrite replaces it; without --out the run gets a new folder"
            if has_checkpoint(folder)
            else "--overwrite replaces it; without --out the run gets a new folder"
        )
        raise RunError(_refused(folder, "holds a run already", hint))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _holds_a_run(folder: Path) -> bool:
    """Raises RunError NN861 where it is no folder, or holds anything else."""
    if not folder.is_symlink() and not folder.exists():
        return False
    if not folder.is_dir():
        raise RunError(_refused(folder, "is a file", "give the name of a folder"))
    names = {entry.name for entry in folder.iterdir() if not _is_stray(entry.name) and not _is_empty_fold(entry)}
    if names and not is_run(folder):
        raise RunError(_refused(folder, "holds something that is not a run", "choose a new folder"))
    return bool(names)


def resumed_run(given: Path | None, stem: str) -> Path:
    """The folder of the run to go on with: the given one, else `runs/STEM`. It need not be there yet.

    Raises RunError NN815 where it is not clear which one, NN861 for a folder that holds anything but a run.
    """
    try:
        if given is None:
            found = sorted(p for p in Path("runs").glob(f"{escape(stem)}*") if _is_of(p.name, stem) and is_run(p))
            if len(found) > 1:
                names = ", ".join(show(str(path)) for path in found[:5])
                more = f" and {len(found) - 5} more" if len(found) > 5 else ""
                message = f"there are {len(found)} runs of {show(stem)}: {names}{more}"
                raise RunError(Diagnostic("NN815", message, help=f"say which: --out {show(str(found[-1]))} --resume"))
            given = found[0] if found else Path("runs") / stem
        _holds_a_run(given)
        given.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(_not_made(error, given or Path("runs"))) from None
    return given


def _is_of(name: str, stem: str) -> bool:
    rest = name.removeprefix(stem)
    return not rest or re.fullmatch(r"-[1-9][0-9]*", rest) is not None


def _is_empty_fold(entry: Path) -> bool:
    return FOLD.fullmatch(entry.name) is not None and entry.is_dir() and not any(entry.iterdir())


def _is_stray(name: str) -> bool:
    return name.endswith(SUFFIX) and any(name.startswith(f".{own}.") for own in OWN_FILES)


def sweep(folder: Path) -> None:
    """Delete what killed processes left half written. Only under the folder's lock."""
    try:
        for own in OWN_FILES:
            remove_strays(folder, own)
    except OSError:
        # They do no harm where they lie.
        return


def has_checkpoint(folder: Path) -> bool:
    """Its own, or that of its first fold."""
    return (folder / CHECKPOINT).is_file() or (folder / "fold-1" / CHECKPOINT).is_file()


def is_run(folder: Path) -> bool:
    """Whether a folder looks like one that we made: a file of ours that no other program writes is there."""
    return any((folder / name).is_file() for name in (MODEL, CHECKPOINT, LOG))


def _empty(folder: Path) -> None:
    """Delete a run's own files, and its folders of folds where nothing else is in them.

    The log goes last: a run that is killed here is still known as one.
    """
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == LOG):
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
        if run.suffix in (".txt", ".vec", ".gz"):
            help = "a file of vectors is written by nnc neighbours RUN --vectors FILE"
            raise RunError(Diagnostic("NN862", f"there is no {show(str(run))}", help=help))
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
        if (run / CHECKPOINT).is_file():
            hint = "this run has not ended: nnc train SPEC --out with --resume goes on with it"
    raise RunError(Diagnostic("NN862", f"{show(str(run))} holds no model", help=hint))


def _runs_here() -> str:
    found = sorted(str(path.parent) for path in Path("runs").glob(f"*/{MODEL}"))
    return f"the runs here: {', '.join(show(name) for name in found[:5])}" if found else ""


def _refused(folder: Path, reason: str, hint: str) -> Diagnostic:
    return Diagnostic("NN861", f"{show(str(folder))} {reason}", help=hint)
