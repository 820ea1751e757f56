"""Progress on a terminal: a table that grows by a line an epoch, and one last line that moves."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from itertools import pairwise
from time import perf_counter

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dsl.render import columns
from nnc.report import (
    Column,
    Header,
    cell,
    column_width,
    cost_parts,
    direction,
    duration,
    header_parts,
    number,
    shown_metrics,
    table_columns,
)
from nnc.widths import packed
from runtime.events import BatchDone, EpochDone, Event, Started

REFRESH_SECONDS = 0.1
CURVE = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 8
MOST_POINTS = 64
MOST_LINES = 30
SHORT_BAR, LONG_BAR = 12, 30


class Terminal:
    """Shows one run, or one fold after the other, on a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Live | None = None

    def width(self) -> int:
        return self.console.width

    def begin(self, header: Header) -> None:
        self.header = header
        self.curve = Curve()
        self.columns: tuple[Column, ...] | None = None
        self.last: EpochDone | None = None
        self.first_step: float | None = None
        self.shown = 0.0
        self.epoch_examples = self.epoch_tokens = 0
        self.epoch_start = self.train_start = perf_counter()

    def event(self, event: Event) -> None:
        match event:
            case Started():
                self.started = event
                self.made = 0
                self.epoch_start = self.train_start = perf_counter()
                self._print_lines(packed(header_parts(self.header, event), self.console.width, "    "), "bold")
            case BatchDone():
                self._batch(event)
            case EpochDone():
                self._epoch(event)
            case _:
                pass

    def note(self, text: str) -> None:
        self.pause()
        self._print_lines([text], "dim")

    def pause(self) -> None:
        """Take the moving line away; the next step brings it back."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def end(self, lines: Sequence[str]) -> None:
        """Take the moving line away, and print these."""
        self.pause()
        if lines:
            self.console.print()
        for i, line in enumerate(lines):
            self.console.print(Text(line, "bold" if i == 0 else ""), soft_wrap=True)

    def _batch(self, done: BatchDone) -> None:
        now = perf_counter()
        if self.first_step is None:
            self.first_step = process_seconds()
            self._print_lines(
                packed(cost_parts(self.header, self.started, self.first_step), self.console.width, " · "), "dim"
            )
            self.console.print()
        if done.batch == 1:
            self.epoch_examples = self.epoch_tokens = 0
        self.epoch_examples += done.examples
        self.epoch_tokens += done.tokens
        self.curve.add(done.loss)
        self.made += 1
        if now - self.shown >= REFRESH_SECONDS:
            self.shown = now
            self._show(self._moving_line(done, now))

    def _epoch(self, done: EpochDone) -> None:
        if self.columns is None:
            metrics = shown_metrics(done.valid) if done.valid else ()
            # Room for `▸` before and for `best` after the numbers.
            self.columns = table_columns(metrics, done.valid is not None, self.console.width - 2)
            heading = "  " + "".join(f"{c.heading:>{column_width(c)}}  " for c in self.columns)
            self.console.print(Text(heading.rstrip(), "dim"), soft_wrap=True)
        self.epoch_start = perf_counter()
        if not shown_in_table(done.epoch, self.started.epochs):
            return
        line = Text().append("▸ " if done.best else "  ", "green")
        for column in self.columns:
            line.append(f"{cell(column, done):>{column_width(column)}}  ", self._style(column, done))
        if done.best and line.cell_len + 4 <= self.console.width:
            line.append("best", "green")
        line.rstrip()
        self.console.print(line, soft_wrap=True)
        self.last = done

    def _style(self, column: Column, done: EpochDone) -> str:
        """Green for better than the epoch before, red for worse."""
        if column.key in ("epoch", "time") or done.valid is None or column.key == "loss":
            return "dim" if column.key == "time" else ""
        metric = "loss" if column.key == "valid_loss" else column.key
        before = self.last.valid.value(metric) if self.last is not None and self.last.valid is not None else None
        return ("red", "", "green")[direction(metric, done.valid.value(metric), before) + 1]

    def _moving_line(self, done: BatchDone, now: float) -> Text:
        total = self.started.steps
        made = self.started.step + self.made
        seconds = max(now - self.epoch_start, 1e-9)
        left = (now - self.train_start) / self.made * max(total - made, 0)
        unit = "sentences" if self.header.unit == "words" else "examples"
        parts = [
            f"epoch {done.epoch} of {self.started.epochs}",
            f"{number(done.loss)} {self.curve}".rstrip(),
            f"{duration(left)} left",
            f"{self.epoch_examples / seconds:,.0f} {unit}/s",
            f"batch {done.batch} of {self.started.batches}",
        ]
        if self.epoch_tokens:
            parts.append(f"{self.epoch_tokens / seconds:,.0f} {self.header.unit}/s")
        return moving_line(parts, min(made / max(total, 1), 1), self.console.width - 1)

    def _show(self, line: Text) -> None:
        if self.live is None:
            self.live = Live(line, console=self.console, auto_refresh=False, transient=True)
            self.live.start()
        self.live.update(line, refresh=True)

    def _print_lines(self, lines: Sequence[str], style: str) -> None:
        for line in lines:
            self.console.print(Text(line, style), soft_wrap=True)


def moving_line(parts: Sequence[str], share: float, width: int) -> Text:
    """The bar and as many parts as fit, the first ones first, in the order in which they are read."""
    reading_order = (0, 4, 1, 3, 5, 2)
    kept: list[int] = []
    used = 0
    room = width - SHORT_BAR - 2 if width >= 50 else width
    for i, part in enumerate(parts):
        if used + columns(part) + (3 if kept else 0) <= room:
            used += columns(part) + (3 if kept else 0)
            kept.append(i)
    text = " · ".join(parts[i] for i in reading_order if i in kept)
    line = Text()
    if (bar := min(LONG_BAR, width - used - 2)) >= SHORT_BAR:
        full = round(share * bar)
        line.append("━" * full, "green").append("━" * (bar - full), "dim").append("  ")
    return line.append(text)


def shown_in_table(epoch: int, epochs: int) -> bool:
    """All of few epochs; of many the first, the last and some between, so that there is nothing to scroll past."""
    return epochs <= MOST_LINES or epoch in (1, epochs) or epoch % -(-epochs // MOST_LINES) == 0


def process_seconds() -> float:
    """How long ago this program was started; Linux only, elsewhere since Python's clock began."""
    try:
        with open("/proc/self/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()


class Curve:
    """The losses so far as a small curve, however many they are."""

    def __init__(self) -> None:
        self.points: list[float] = []
        self.each = 1
        self.sum, self.count = 0.0, 0

    def add(self, loss: float) -> None:
        self.sum, self.count = self.sum + loss, self.count + 1
        if self.count == self.each:
            self.points.append(self.sum / self.count)
            self.sum, self.count = 0.0, 0
        if len(self.points) == MOST_POINTS:
            self.points = [(a + b) / 2 for a, b in zip(self.points[::2], self.points[1::2], strict=True)]
            self.each *= 2

    def __str__(self) -> str:
        n = min(CURVE_WIDTH, len(self.points))
        if n < 2:
            return ""
        cuts = [i * len(self.points) // n for i in range(n + 1)]
        means = [sum(self.points[a:b]) / (b - a) for a, b in pairwise(cuts)]
        low, high = min(means), max(means)
        scale = (len(CURVE) - 1) / (high - low) if high > low else 0.0
        return "".join(CURVE[round((mean - low) * scale)] for mean in means)
