"""`nnc train --json`: an event a line on standard output, for programs that watch a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from nnc.report import Header
from nnc.scores import epoch_json
from runtime.events import EpochDone, Event, Saved, Started


class JsonLines:
    """Each line an object whose `event` says what it is; the last line of a run has none, and is its result.

    Where there are several folds or phases, each says in which it is: `fold`, from 1, and `phase`, a name.
    """

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.place: Mapping[str, int | str] = {}

    def width(self) -> int:
        return 100

    def begin(self, header: Header) -> None:
        self.place = header.place

    def pause(self) -> None:
        pass

    def note(self, text: str) -> None:
        self._write({"event": "note", "text": text})

    def event(self, event: Event) -> None:
        match event:
            case Started():
                self._write({
                    "event": "started",
                    **self.place,
                    "rows": dict(event.rows),
                    "batches": event.batches,
                    "epochs": event.epochs,
                    "steps": event.steps,
                    "weights": event.weights,
                    "needed_bytes": event.needed_bytes,
                    "epoch": event.epoch,
                    "step": event.step,
                })  # fmt: skip
            case EpochDone():
                self._write({"event": "epoch", **self.place, **epoch_json(event), "seconds": round(event.seconds, 3)})
            case Saved():
                self._write({"event": "checkpoint", **self.place, "epoch": event.epoch, "step": event.step})
            case _:
                pass

    def end(self, lines: Sequence[str]) -> None:
        """What is said at the end: of a run that was stopped; the others have a result."""
        if lines:
            self._write({"event": "stopped", "text": lines[0], "resume": lines[-1].removeprefix("go on:  ")})

    def _write(self, what: dict[str, Any]) -> None:
        print(json.dumps(what, ensure_ascii=False, allow_nan=False), file=self.out, flush=True)
