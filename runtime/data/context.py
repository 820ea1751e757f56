"""What a language model reads while a text is written: laid out as the texts are that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from compiler.sorts import SUBWORDS, Port, Tokens, owner, sequence_symbol_of
from compiler.views import Ngrams
from runtime.data import following, rows, views
from runtime.data.batch import Batch
from runtime.data.batches import make_batch
from runtime.data.streams import LINE_END
from runtime.data.subwords import cutter
from runtime.data.tables import Tables
from runtime.data.tokens import BEGIN, END, UNKNOWN, Sequences, Tokenised, Vocabulary

LINE_BEGIN = ""
"""Stands for BEGIN where tokens are written out: no token is empty."""


@dataclass(frozen=True)
class Layout:
    """How the tokens of one text are laid out.

    text: the input; ports: all of the model's
    """

    text: Port
    ports: tuple[Port, ...]
    tables: Tables

    @cached_property
    def stream(self) -> bool:
        """Whether a line's end is a token among the others, and stands before the first one; else each line is a text
        of its own, which begins from BEGIN."""
        return following.stream_of(self.ports) is not None

    @cached_property
    def limit(self) -> int | None:
        """Positions that are seen at once, None for all."""
        return self.sort.max if self.stream and not self.text.stream else None

    @cached_property
    def sort(self) -> Tokens:
        assert isinstance(self.text.sort, Tokens)
        return self.text.sort

    @cached_property
    def symbol(self) -> str:
        return sequence_symbol_of(self.text, self.ports)

    @cached_property
    def reach(self) -> int:
        """Tokens that what is read at one position is made of: the last so many."""
        return max((v.n for v in self.text.views if isinstance(v, Ngrams)), default=1)

    @property
    def vocabulary(self) -> Vocabulary:
        return self.tables.vocabularies[owner(self.text)]

    def id(self, token: str) -> int:
        own = {LINE_BEGIN: BEGIN, LINE_END: END}
        return own[token] if token in own else self.vocabulary.index.get(token, UNKNOWN)

    def token(self, id: int) -> str:
        """Of an id that a text may have."""
        found = LINE_END if id == END else self.vocabulary.token(id)
        assert found is not None
        return found

    def first(self) -> str:
        """What stands before the first token."""
        return LINE_END if self.stream else LINE_BEGIN

    def tokens(self, text: str) -> list[str]:
        """A text's tokens, its line ends among them."""
        split = cutter(self.sort, self.vocabulary)
        if self.sort.unit == SUBWORDS:
            # The space belongs to the word behind it, which is not there yet.
            text = text.rstrip(" ")
        lines = [[*split(line.removesuffix("\r")), LINE_END] for line in text.split("\n")]
        return [token for line in lines for token in line][:-1]

    def batch(self, text: Sequence[str], last: int, dtype: Literal["f32", "f64"]) -> Batch:
        """The last positions as a batch of one row. text: up to the last one, from `reach` before the first one."""
        ids = np.array([self.id(token) for token in text], np.int32)
        columns = {self.text.name: Sequences(ids, np.array([0, len(ids)])), **self._views(text)}
        kept = {name: _last(column, last) for name, column in columns.items()}
        return make_batch(rows.make(self.ports, 1, kept), np.zeros(1, np.int64), dtype=dtype)

    def _views(self, text: Sequence[str]) -> dict[str, Sequences]:
        """The ids of the text's views, as those of a row that was read."""
        if not self.text.views:
            return {}
        known = [token for token in text if token != LINE_BEGIN]
        # A line's end is the last name of a stream.
        names = dict.fromkeys(token for token in known if token != LINE_END) | dict.fromkeys([LINE_END] * self.stream)
        numbers = {name: i for i, name in enumerate(names)}
        types, count = np.array([numbers[token] for token in known], np.int32), len(known)
        row = {self.text.name: Tokenised(list(names), types, np.array([0, count]), np.array([count]))}
        read = following.as_read(self.ports)
        row |= views.tokenised(read, row)
        found: dict[str, Sequences] = {}
        for view in views.views_of(read):
            column = views.encoded(view, read, row, self.tables.vocabularies[view.owner])
            # A line that is a text of its own has an end, too.
            found[view.name] = column if self.stream else replace(column, ids=column.ids[:-1])
        return found


def _last(column: Sequences, count: int) -> Sequences:
    ids = column.ids[-count:]
    return replace(column, ids=ids, offsets=np.array([0, len(ids)]))
