"""`log.jsonl`: a line an epoch. What a checkpoint says of it is on the disk before the checkpoint is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsl.errors import RunError
from runtime.storage import not_written

# A pipe that somebody put in the log's place is refused; it would wait for a reader.
WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class RunLog:
    """A log that loses no line: those that are not safely on the disk yet are kept, and written again.

    length: bytes that stand there from before and stay; what follows them, of epochs that come again, goes
    """

    def __init__(self, path: Path, length: int = 0) -> None:
        self._path = path
        self._safe = length
        self._pending = b""

    @property
    def length(self) -> int:
        """Bytes, with the lines that are still to be written."""
        return self._safe + len(self._pending)

    def add(self, entry: Mapping[str, Any]) -> None:
        """One more line. Where it cannot be written now, the next `flush` tells."""
        self._pending += json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            self._put(sync=False)
        except OSError:
            return

    def flush(self) -> None:
        """All lines, safe on the disk. Raises RunError NN805."""
        try:
            self._put(sync=True)
        except OSError as error:
            raise RunError(not_written(self._path, error)) from None
        self._safe, self._pending = self.length, b""

    def _put(self, *, sync: bool) -> None:
        descriptor = os.open(self._path, WRITE, 0o666)
        try:
            # Lines that somebody took away leave no hole of zero bytes behind.
            self._safe = min(self._safe, os.fstat(descriptor).st_size)
            at, rest = self._safe, memoryview(self._pending)
            while rest:
                written = os.pwrite(descriptor, rest, at)
                at, rest = at + written, rest[written:]
            os.ftruncate(descriptor, at)
            if sync:
                # After a failed one the system may forget what it had not written: the lines stay with us until one
                # has gone well.
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def note_time(path: Path, entry: Mapping[str, Any]) -> None:
    """A line of what differs from run to run, in a file of its own; it is worth no failure."""
    try:
        with os.fdopen(os.open(path, WRITE | os.O_APPEND, 0o666), "w", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError:
        return
