"""Make the i-th call of the system that a run makes on its folder fail, once or from then on, and prove that it did."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnc.commands.train import Options, run
from nnc.failure import guarded
from runtime.loop import Pace
from tests.kills.specs import contents

EPOCHS = Pace(1e9, 0, float("inf"))
WAYS = [(False, errno.ENOSPC), (True, errno.EIO), (False, errno.EIO), (True, errno.ENOSPC)]
CALLS = ("open", "write", "pwrite", "ftruncate", "fsync", "replace")


@dataclass
class Fault:
    """at: which call fails, from 0, None for none; for_ever: those after it too. calls, fired: how many there were."""

    at: int | None = None
    for_ever: bool = False
    number: int = errno.ENOSPC
    calls: int = 0
    fired: int = 0

    def tick(self) -> None:
        here, self.calls = self.calls, self.calls + 1
        if self.at is not None and (here == self.at or (self.for_ever and here > self.at)):
            self.fired += 1
            raise OSError(self.number, os.strerror(self.number))


@contextmanager
def failing(fault: Fault) -> Iterator[Fault]:
    """While inside, calls by the names in `os` are counted, and fail when it is their turn. Reading is left alone."""
    real = {name: getattr(os, name) for name in CALLS}

    def counted(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name != "open" or arguments[1] & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY):
                fault.tick()
            return real[name](*arguments, **named)

        return call

    try:
        for name in CALLS:
            setattr(os, name, counted(name))
        yield fault
    finally:
        for name in CALLS:
            setattr(os, name, real[name])


def train(spec: str, out: str) -> int:
    """Begin or go on; a checkpoint at each epoch's end."""
    options = Options(Path(out), resume=True, device="cpu", pace=EPOCHS)
    return guarded([], lambda _: run(Path(f"{spec}.nn"), options))


def every_fault(spec: str, ways: int) -> int:
    """How many calls were made to fail, each in so many of WAYS; with fewer than all they take turns.

    Raises AssertionError where one did not fire, is not told, or leaves what --resume cannot mend to the byte.
    """
    # A first run's compiled kernels are kept in the user's folder, not in the run's, and not written again.
    assert _quiet(spec, f"{spec}-before") == (0, "")
    with failing(Fault()) as counted:
        assert _quiet(spec, f"{spec}-whole") == (0, "")
    whole = contents(Path(f"{spec}-whole"))
    for at in range(counted.calls):
        for turn in range(ways):
            for_ever, number = WAYS[(at + turn) % len(WAYS)]
            what, out = f"call {at}, {os.strerror(number)}, for ever: {for_ever}", f"{spec}-{at}-{turn}"
            with failing(Fault(at, for_ever, number)) as fault:
                code, told = _quiet(spec, out)
            assert fault.fired, f"{what}: it did not fail"
            assert code == 0 or (code == 1 and os.strerror(number) in told), f"{what}: {told}"
            assert "NN901" not in told, f"{what}: {told}"
            code, told = _quiet(spec, out)
            assert code == 0, f"{what}, then --resume: {told}"
            assert contents(Path(out)) == whole, f"{what}: other bytes"
    return counted.calls


def _quiet(spec: str, out: str) -> tuple[int, str]:
    told = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(told):
        return train(spec, out), told.getvalue()
