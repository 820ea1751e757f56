"""Compiled kernels between runs, in the user's own cache folder: `nnc/kernels` in $XDG_CACHE_HOME or ~/.cache.

They are machine code, and are run. So the folder must be the user's, and closed to all others, or it is not used; and
nothing is ever read from beside a spec or a model, which a stranger may have sent. An entry is a line that names it, a
line with the SHA-256 of all that follows, a line with what the code calls, and the code. What does not fit that is
compiled again.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dsl.render import show

MAGIC = b"nnc kernel 1"
MOST_BYTES = 2**24


@dataclass(frozen=True)
class Entry:
    """code: an object file; needs: the symbols that it calls outside of itself"""

    code: bytes
    needs: tuple[str, ...]


MARK = Entry(b"", ())
"""What stands under a name that says something by being there."""


@dataclass(frozen=True)
class Cache:
    """folder: None where there is none that can be trusted; why: what is wrong with it"""

    folder: Path | None
    why: str = ""

    def read(self, name: str) -> Entry | None:
        """The entry of that name, None where there is none that is whole."""
        if self.folder is None:
            return None
        try:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _ours(status) or status.st_size > MOST_BYTES:
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return _entry(name, file.read(MOST_BYTES))

    def write(self, name: str, entry: Entry) -> None:
        """Whole or not at all; where it fails, the next run compiles again."""
        if self.folder is None:
            return
        rest = " ".join(entry.needs).encode() + b"\n" + entry.code
        temporary = self.folder / f".{name}.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(b"\n".join((MAGIC, _digest(name, rest), rest)))
            os.replace(temporary, self.folder / name)
        except OSError:
            # Where nothing can be written, as on a disk that is only read, nothing can be taken away either.
            with suppress(OSError):
                temporary.unlink()


def _entry(name: str, data: bytes) -> Entry | None:
    magic, _, after = data.partition(b"\n")
    digest, _, rest = after.partition(b"\n")
    if magic != MAGIC or digest != _digest(name, rest):
        return None
    needs, _, code = rest.partition(b"\n")
    return Entry(code, tuple(needs.decode("ascii").split()))


def _digest(name: str, rest: bytes) -> bytes:
    """Of the name too: an entry under another name is none."""
    return hashlib.sha256(name.encode() + b"\n" + rest).hexdigest().encode()


def user_cache() -> Cache:
    """The folder, made where it is missing; with the reason where it cannot be used."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # As the XDG says: a path that is not absolute is none.
        base = Path(given) if os.path.isabs(given) else Path.home() / ".cache"
        base.mkdir(parents=True, exist_ok=True)
        for folder in (base / "nnc", base / "nnc" / "kernels"):
            folder.mkdir(mode=0o700, exist_ok=True)
            why = _why_not(folder)
            if why:
                return Cache(None, why)
    except (OSError, RuntimeError) as error:
        return Cache(None, show(str(error)))
    return Cache(base / "nnc" / "kernels")


def _why_not(folder: Path) -> str:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return f"{show(str(folder))} is no folder"
    if not _ours(status):
        return f"{show(str(folder))} belongs to another user"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return f"{show(str(folder))} is open to other users: chmod 700"
    return ""


def _ours(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid()
