"""The one place that writes a file: whole or not at all. The old one stays until the new one is safe on the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import show

SUFFIX = ".nnc-tmp"


def write_atomically(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write chunks to path, through a temporary file beside it; the mode follows the umask.

    Whatever fails, and whenever the process is killed, path holds what it held before or all of the new bytes.

    Raises RunError NN805 when the file cannot be written.
    """
    folder = path.parent
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        remove_strays(folder, path.name)
        temporary, descriptor = _create(folder, path.name)
        try:
            try:
                for chunk in chunks:
                    _write_all(descriptor, chunk)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(folder)
    except OSError as error:
        raise RunError(not_written(path, error)) from error


def remove_strays(folder: Path, name: str) -> None:
    """Delete what killed processes left beside the file `name`. What is still being written is locked, and stays."""
    start = f".{name}."
    with os.scandir(folder) as entries:
        strays = [e.name for e in entries if e.name.startswith(start) and e.name.endswith(SUFFIX)]
    for stray in strays:
        try:
            descriptor = os.open(folder / stray, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / stray).unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            os.close(descriptor)


def _create(folder: Path, name: str) -> tuple[Path, int]:
    """A new, locked file: the lock tells others that its writer lives."""
    while True:
        temporary = folder / f".{name}.{secrets.token_hex(8)}{SUFFIX}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return temporary, descriptor
        except BaseException:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        # Somebody took it for a stray in the instant before it was locked.
        os.close(descriptor)


def _write_all(descriptor: int, chunk: bytes | memoryview) -> None:
    rest = memoryview(chunk).cast("B")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    """A rename is safe from a power cut only when its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_WAYS_OUT = {
    errno.ENOSPC: "make room on the disk, or write elsewhere with --out",
    errno.EDQUOT: "your quota on this disk is used up: make room, or write elsewhere with --out",
    errno.EACCES: "you may not write there: choose another folder with --out",
    errno.EPERM: "you may not write there: choose another folder with --out",
    errno.EROFS: "the disk is read-only: choose another folder with --out",
    errno.ENOENT: "the folder is not there: make it first, or choose another",
    errno.EISDIR: "a folder has this name: choose another",
}


def not_written(path: Path, error: OSError) -> Diagnostic:
    reason = error.strerror or type(error).__name__
    return Diagnostic(
        "NN805",
        f"{show(str(path))} cannot be written: {show(reason)}",
        help=_WAYS_OUT.get(error.errno or 0, "what the file held before, it still holds; check the disk and try again"),
    )
