"""Writing a text, one token after the other: what has been written is read, and says what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from compiler.settings.predict import PredictSettings
from runtime.backend import Array
from runtime.carried import Carried
from runtime.data.context import Layout
from runtime.data.streams import LINE_END
from runtime.evaluate import feeds_of, float_dtype
from runtime.execute import Executor
from runtime.memory import require_memory
from runtime.sampling import choose, draws
from runtime.stepping import Stepping


@dataclass(frozen=True)
class Stepper:
    """Reads one position at a time. start: what is carried, before the first position"""

    stepping: Stepping
    start: Mapping[str, Array]

    def begin(self) -> None:
        self.stepping.begin(self.start, {"B": 1})


class Reader:
    """What a model expects after the tokens that it has been given.

    output: of the graphs, its probabilities
    step: None where the model has none; then, and where more has been read than `max=` allows, the last positions are
    read anew for each token
    """

    def __init__(self, layout: Layout, output: str, whole: Executor, step: Stepper | None) -> None:
        self.layout, self.output, self.whole, self.step = layout, output, whole, step
        self.dtype: Literal["f32", "f64"] = float_dtype(whole.graph)
        self.restart()

    def restart(self) -> None:
        """Forgets what it has read."""
        self.text = [self.layout.first()]
        self.stepped = 0
        """How much of the text the step has read."""
        if self.step is not None:
            self.step.begin()

    def add(self, tokens: Iterable[str]) -> None:
        """What was read or written."""
        for token in tokens:
            if token == LINE_END and not self.layout.stream:
                self.restart()
            else:
                self.text.append(token)

    def expected(self) -> Array:
        """The probability of each id to come next; valid until the next call."""
        limit, reach = self.layout.limit, self.layout.reach
        if self.step is None or (limit is not None and len(self.text) > limit):
            found = self._anew(limit or len(self.text))
        else:
            found = self._step(self.step)
        # What nobody will look at again goes, so that a text may be as long as one likes.
        kept = reach if limit is None else limit + reach
        if len(self.text) > kept and (self.step is not None or limit is not None):
            self.stepped -= len(self.text) - kept
            del self.text[:-kept]
        return found

    def _step(self, step: Stepper) -> Array:
        found: Array = None
        for at in range(self.stepped, len(self.text)):
            text = self.text[max(at + 1 - self.layout.reach, 0) : at + 1]
            found = self._position(step.stepping, text)
        self.stepped = len(self.text)
        return found

    def _position(self, stepping: Stepping, text: list[str]) -> Array:
        name = self.layout.text.name
        if self.layout.text.views:
            batch = self.layout.batch(text, 1, self.dtype)
            # Rows are padded to a few positions.
            feeds = feeds_of(stepping.program.graph, batch)
            feeds |= {n: feeds[n][:, :1] for n in (name, *(v.of(name) for v in self.layout.text.views)) if n in feeds}
            sizes = {n: size for n, size in batch.sizes.items() if n != self.layout.symbol}
        else:
            feeds, sizes = {name: np.array([[self.layout.id(text[-1])]])}, {}
        return stepping.run(feeds, sizes)[self.output][0, 0]

    def _anew(self, last: int) -> Array:
        executor, layout = self.whole, self.layout
        text = self.text[-(last + layout.reach - 1) :]
        batch = layout.batch(text, last, self.dtype)
        require_memory(executor.arena_bytes(batch.sizes), executor.backend.available_bytes(), "reading this text")
        carried = Carried(executor.graph)
        carried.begin(batch.sizes)
        feeds = {**feeds_of(executor.graph, batch), **carried.now}
        length = int(batch.arrays[f"lengths.{layout.symbol}"][0])
        return executor.run(feeds, batch.sizes)[self.output][0, length - 1]


def continued(reader: Reader, settings: PredictSettings, seed: int) -> Iterator[str]:
    """Token after token, line ends among them, as many as the settings say."""
    for draw in islice(draws(seed), settings.max):
        token = reader.layout.token(choose(reader.expected(), settings, draw))
        yield token
        reader.add([token])
