"""Progress where there is no terminal: a line an epoch, `epoch 3 loss 0.271 accuracy 0.937 best`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TextIO

from nnc.failure import width
from nnc.report import Header, header_parts, number, shown_metrics
from runtime.events import EpochDone, Event, Started


class Screen(Protocol):
    """What a run is shown on."""

    def width(self) -> int: ...

    def begin(self, header: Header) -> None: ...

    def event(self, event: Event) -> None: ...

    def note(self, text: str) -> None: ...

    def pause(self) -> None:
        """Something else is about to be written to the same terminal."""
        ...

    def end(self, lines: Sequence[str]) -> None: ...


class Plain:
    """Writes whole lines only."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.header: Header | None = None

    def width(self) -> int:
        return width(self.out)

    def begin(self, header: Header) -> None:
        self.header = header

    def event(self, event: Event) -> None:
        match event:
            case Started() if self.header is not None:
                self._write("  ".join(header_parts(self.header, event)))
            case EpochDone():
                self._write(epoch_line(event))
            case _:
                pass

    def note(self, text: str) -> None:
        self._write(text)

    def pause(self) -> None:
        pass

    def end(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._write(line)

    def _write(self, line: str) -> None:
        print(line, file=self.out, flush=True)


def epoch_line(done: EpochDone) -> str:
    parts = [f"epoch {done.epoch} loss {number(done.loss)}"]
    if done.valid is not None:
        parts.append(f"valid_loss {number(done.valid.loss)}")
        parts += [f"{metric} {number(done.valid.value(metric))}" for metric in shown_metrics(done.valid)]
    parts.append(f"seconds {done.seconds:.1f}")
    return " ".join(parts) + (" best" if done.best else "")
