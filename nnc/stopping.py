"""Ctrl-C and the like: the first asks the run to end at the next step's boundary, a second Ctrl-C ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


class Stop:
    """Whether somebody asked to stop, and the exit code that says how."""

    def __init__(self) -> None:
        self.exit_code: int | None = None

    def asked(self) -> bool:
        return self.exit_code is not None


@contextmanager
def listening(signals: Iterable[str] = EXIT_CODES) -> Iterator[Stop]:
    """While inside, the signals are noted; afterwards they mean what they meant before."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        stop.exit_code = EXIT_CODES[signal.Signals(number).name]
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {}
    for name in signals:
        number = getattr(signal, name, None)
        # A signal that is ignored (nohup) stays ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, note)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def listening_as_guest() -> Iterator[Stop]:
    """For Ctrl-C in a program of the user's: only its main thread hears of it, and a handler of its own stays."""
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    with listening(("SIGINT",) if ours else ()) as stop:
        yield stop
