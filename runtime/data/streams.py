"""All lines of a text as one stream: for a `stateful` layer, or for windows of `max=` positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Port, Tokens, owner
from dsl.errors import DataError, Diagnostic
from runtime.data import following, tokens, views
from runtime.data import rows as encoded
from runtime.data.rows import Array, Rows
from runtime.data.splits import Indices, split
from runtime.data.tables import Tables
from runtime.data.tokens import BEGIN, END, PADDING, Sequences, Tokenised

LINE_END = "\n"
"""A line's end where tokens are written out, and among the types of a stream; its id is END. No token has one in it."""


@dataclass(frozen=True)
class Streams:
    """Of each split one row: what stands before its first token, its tokens, an end behind each line.

    text: whose; tokenised: of the text, its last type the line's end, and of its views; splits: the row of each
    """

    text: Port
    tokenised: Mapping[str, Tokenised]
    splits: Mapping[str, Indices]

    @property
    def counted(self) -> dict[str, Tokenised]:
        """What vocabularies are made of: a line's end has an id of its own."""
        return {**self.tokenised, self.text.name: _without_ends(self.tokenised[self.text.name])}

    def rows(self, ports: tuple[Port, ...], tables: Tables, name: str) -> Rows:
        """The rows of a split: the stream, or its windows."""
        read = following.as_read(ports)
        text = next(p for p in read if p.name == self.text.name)
        assert isinstance(text.sort, Tokens)
        types = self.tokenised[text.name]
        ids = tokens.ids_of_types(types, tables.vocabularies[owner(text)])
        ids[-1] = END
        columns = {text.name: tokens.laid_out(text.sort, types, ids, (PADDING, BEGIN, END))}
        for view in views.views_of(read):
            columns[view.name] = views.encoded(view, read, self.tokenised, tables.vocabularies[view.owner])
        taken = {each: column.take(self.splits[name]) for each, column in columns.items()}
        found: dict[str, Sequences | Array] = dict(following.with_targets(ports, taken))
        assert isinstance(self.text.sort, Tokens)
        if not self.text.stream and self.text.sort.max is not None:
            found = {each: _windows(column, self.text.sort.max) for each, column in found.items()}
        only = found[text.name]
        assert isinstance(only, Sequences)
        return encoded.make(ports, len(only.lengths), found)


def streams(
    ports: tuple[Port, ...],
    lines: Mapping[str, Tokenised],
    parts: Sequence[tuple[str, int]],
    settings: DataSettings | None = None,
    fold: int | None = None,
) -> Streams:
    """lines: of all entries; parts: the entries' names, and how many lines each has.

    Raises DataError NN756 for a split that draws lines here and there, NN720 for one that leaves nothing.
    """
    text = following.stream_of(ports)
    assert text is not None
    ended = _ended(lines[text.name])
    found: dict[str, NDArray[np.int32]] = {}
    first = 0
    for name, count in parts:
        begin, end = (int(ended.offsets[i]) for i in (first, first + count))
        first += count
        types = np.concatenate([[len(ended.names) - 1], ended.types[begin:end]]).astype(np.int32)
        if name != "train" or settings is None:
            found[name] = types
            continue
        _require_in_order(settings)
        divided = split(len(types) - 1, settings, fold)
        for each, chosen in (("train", divided.train), ("valid", divided.valid), ("test", divided.test)):
            if chosen is not None:
                # What stands before the first token of a part is the last one of the part before it.
                found[each] = types[int(chosen[0]) : int(chosen[-1]) + 2]
    lengths = np.array([len(types) for types in found.values()])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    whole = Tokenised(ended.names, np.concatenate(list(found.values())), offsets, lengths)
    splits = {name: np.array([row]) for row, name in enumerate(found)}
    every = {text.name: whole}
    return Streams(text, every | views.tokenised(following.as_read(ports), every), splits)


def _require_in_order(settings: DataSettings) -> None:
    for word, share in (("test", settings.test), ("valid", settings.valid)):
        if isinstance(share, Share) and not share.last:
            message = f"`{word} {share.share:.6g}` draws lines here and there, but the text is one stream"
            written = f"{share.share:.6%}".rstrip("0%").rstrip(".")
            help = f"write `{word} {written}% last`, which takes its end, or name a file"
            raise DataError(Diagnostic("NN756", message, share.span, help=help))
    if settings.folds is not None:
        message = "`folds` draws lines here and there, but the text is one stream"
        raise DataError(Diagnostic("NN756", message, settings.span, help="write `valid 10% last`, or name a file"))


def _ended(lines: Tokenised) -> Tokenised:
    """Each line with its end, which is the last type."""
    lengths = np.diff(lines.offsets)
    offsets = lines.offsets + np.arange(len(lines.offsets))
    types = np.full(int(offsets[-1]), len(lines.names), np.int32)
    is_token = np.ones(len(types), np.bool_)
    is_token[offsets[1:] - 1] = False
    types[is_token] = lines.types
    return Tokenised([*lines.names, LINE_END], types, offsets, lengths + 1)


def _without_ends(rows: Tokenised) -> Tokenised:
    is_token = rows.types != len(rows.names) - 1
    kept = np.concatenate([[0], np.cumsum(is_token)])
    offsets = kept[rows.offsets]
    return Tokenised(rows.names[:-1], rows.types[is_token], offsets, np.diff(offsets))


def _windows(column: Sequences | Array, most: int) -> Sequences:
    """The rows cut into pieces of so many positions; the last of each row may be shorter."""
    assert isinstance(column, Sequences)
    cuts = [np.arange(int(a), int(b), most) for a, b in zip(column.offsets[:-1], column.offsets[1:], strict=True)]
    return replace(column, offsets=np.concatenate([*cuts, column.offsets[-1:]]))
