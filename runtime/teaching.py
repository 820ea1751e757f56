"""What `decode` is fed while it learns: true words, and some of its own (Bengio et al. 2015).

Before a step the text is written by the weights of that moment, token by token as `predict` would, without dropout.
Where chance says so, what the network took last for likeliest stands in the place of the true word, and what follows is
written behind it. The step then reads the mixed text as a whole, and tells the true one. No gradient flows through a
choice, so that this is the gradient of a loop that chooses as it goes along, for every decoder there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compiler.ir.graph import Graph
from compiler.sorts import Port, fed_name
from runtime.backend import Array, Backend
from runtime.data import Batch
from runtime.data.tokens import END
from runtime.decode import Anew, Speaker, Stepped
from runtime.execute import Arena, CompileBucket, Executor
from runtime.search import Ids
from runtime.stepping import Stepping, StepProgram
from runtime.weights import stream


@dataclass(frozen=True)
class Dictation:
    """How a text is written while the network learns.

    symbol: of its positions; start, step: what comes from the inputs alone, and what is done for each token, None where
    all is read anew for it; whole: the graph that does that
    """

    port: Port
    symbol: str
    whole: Graph
    start: Graph | None
    step: StepProgram | None

    @property
    def output(self) -> str:
        return f"{self.port.name}.scores"

    def first(self) -> Graph | None:
        """What is run for a batch before its tokens are."""
        return self.whole if self.step is None else self.start

    def speaker(
        self, backend: Backend, compile_bucket: CompileBucket, store: Mapping[str, Array], first: Executor | None
    ) -> Speaker:
        """first: of the graph of that name; store: the weights, which every step overwrites in their places"""
        if self.step is not None:
            stepping = Stepping(backend, self.step, compile_bucket, store)
            return Stepped(self.port, self.output, first, stepping)
        assert first is not None
        return Anew(self.port, self.output, first, self.symbol)


class Teaching:
    """Mixes what is fed, step by step. seed: of the run"""

    def __init__(
        self,
        dictations: Sequence[Dictation],
        backend: Backend,
        compile_bucket: CompileBucket,
        store: Mapping[str, Array],
        arena: Arena,
        seed: int,
    ) -> None:
        self.firsts = [
            None if graph is None else Executor(backend, graph, compile_bucket, store, arena)
            for graph in (each.first() for each in dictations)
        ]
        self._speakers = [
            (each, each.speaker(backend, compile_bucket, store, first))
            for each, first in zip(dictations, self.firsts, strict=True)
        ]
        self._seed = seed

    def mixed(self, batch: Batch, step: int, share: float) -> Batch:
        """The batch with some of its texts' words exchanged. share: of the words that stay; the begin always does"""
        arrays = dict(batch.arrays)
        for each, speaker in self._speakers:
            name, lengths = fed_name(each.port), arrays[f"lengths.{each.symbol}"]
            true = arrays[name]
            chance = stream(self._seed, f"teacher {each.port.name} {step}")
            # Position by position: how far the batch is padded decides nothing.
            own = share <= chance.random(true.shape[::-1]).T
            own &= np.arange(true.shape[1]) < lengths[:, None]
            own[:, 0] = False
            if own.any():
                sizes = {symbol: size for symbol, size in batch.sizes.items() if symbol != each.symbol}
                arrays[name] = dictated(speaker, replace(batch, sizes=sizes), true, own)
        return replace(batch, arrays=arrays)


def dictated(speaker: Speaker, batch: Batch, true: Ids, own: Array) -> Ids:
    """The text with the network's own words where `own` says so, bool[B, T], each the likeliest behind those before it.

    An end is no such word: nothing is ever written behind one.
    """
    speaker.begin(batch, 1)
    text = true.copy()
    for at in range(1, int(own.any(axis=0).nonzero()[0][-1]) + 1):
        rest = speaker.expected(text[:, at - 1])[:, END + 1 :]
        # Where nothing but the end has a probability the true word goes on.
        taken = own[:, at] & (rest.max(axis=1) > 0)
        text[:, at] = np.where(taken, rest.argmax(axis=1) + END + 1, true[:, at])
    return text
