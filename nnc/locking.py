"""One run at a time in a folder: the folder itself is locked, so the lock ends with its process, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import show


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Raises RunError NN810 where another process trains there, NN805 where the folder cannot be opened."""
    descriptor = _opened(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            reason = show(error.strerror or str(error))
            raise RunError(Diagnostic("NN805", f"{show(str(folder))} cannot be opened: {reason}")) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(descriptor)
                raise RunError(_in_use(folder)) from None
            # A file system that knows no locks: nobody else can have one either.
            return descriptor
        if _is_still(folder, descriptor):
            return descriptor
        # Its last user took the empty folder away in the instant before it was locked.
        os.close(descriptor)


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(folder), os.fstat(descriptor))
    except OSError:
        return False


def _in_use(folder: Path) -> Diagnostic:
    return Diagnostic(
        "NN810",
        f"another nnc is training in {show(str(folder))}",
        help="wait until it has ended, or choose another folder with --out",
    )
