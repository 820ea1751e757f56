"""Texts of `subwords[n]`: read in parts, whose counts teach the pieces, and then cut into these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import SUBWORDS, Port, Tokens, has_ids, owner
from dsl.errors import DataError, Diagnostic
from runtime.data import bpe, following, tokens, views, written
from runtime.data.streams import LINE_END, Streams
from runtime.data.tokens import Sequences, Tokenised, Vocabulary


def learnt(
    ports: tuple[Port, ...],
    tokenised: Mapping[str, Tokenised],
    train: NDArray[np.int64],
    given: Mapping[str, Vocabulary] | None,
) -> Mapping[str, Vocabulary] | None:
    """The given vocabularies and those of pieces that are not among them, of the training rows of all who share each.

    Raises DataError NN724 where these rows have no text.
    """
    found: dict[str, Vocabulary] = {}
    texts = [p for p in ports if is_cut(p) and p.name in tokenised]
    for port in texts:
        if owner(port) != port.name or (given is not None and port.name in given):
            continue
        counts: dict[str, int] = {}
        for name in (p.name for p in texts if owner(p) == port.name):
            for part, count in zip(tokenised[name].names, tokenised[name].counts(train).tolist(), strict=True):
                counts[part] = counts.get(part, 0) + count
        assert isinstance(port.sort, Tokens)
        assert port.sort.keep is not None
        pieces = bpe.learn({part: n for part, n in counts.items() if n}, port.sort.keep, port.sort.min)
        if not pieces:
            raise DataError(_no_pieces(port, port.sort.min if any(counts.values()) else 1))
        found[port.name] = Vocabulary(pieces)
    return {**(given or {}), **found} if found else given


def _no_pieces(port: Port, least: int) -> Diagnostic:
    """least: how often a character had to be seen, where there are some"""
    held = f"character that stands there {least} times" if least > 1 else "text"
    message = f"the training rows of `{port.name}` hold no {held}: it would have no pieces"
    help = "lower `min=`" if least > 1 else "check which column holds the text"
    return Diagnostic("NN724", message, port.span, help=help)


def is_cut(port: Port) -> bool:
    """Whether its tokens are pieces of words."""
    return has_ids(port) and isinstance(port.sort, Tokens) and port.sort.unit == SUBWORDS


def cut(
    ports: tuple[Port, ...], tokenised: Mapping[str, Tokenised], vocabularies: Mapping[str, Vocabulary] | None
) -> dict[str, Tokenised]:
    """The texts with pieces where they have parts; `max` cuts here. The views are those of the pieces."""
    read = written.as_read(following.as_read(ports))
    texts = tuple(p for p in read if is_cut(p) and p.name in tokenised)
    found = dict(tokenised)
    for port in texts:
        assert vocabularies is not None
        assert isinstance(port.sort, Tokens)
        found[port.name] = _cut(port.sort, tokenised[port.name], vocabularies[owner(port)])
    return found | views.tokenised(texts, found)


def cut_stream(made: Streams, ports: tuple[Port, ...], vocabularies: Mapping[str, Vocabulary] | None) -> Streams:
    """The same stream in pieces; where it is divided it stays divided."""
    if not is_cut(made.text):
        return made
    assert vocabularies is not None
    assert isinstance(made.text.sort, Tokens)
    text = _cut(replace(made.text.sort, max=None), made.tokenised[made.text.name], vocabularies[owner(made.text)])
    every = {made.text.name: text}
    return replace(made, tokenised=every | views.tokenised(following.as_read(ports), every))


def cutter(sort: Tokens, vocabulary: Vocabulary) -> Callable[[str], Sequence[str]]:
    """The function that cuts a text into tokens of the vocabulary, without `max`, `reverse` and `marks`."""
    split = tokens.splitter(sort)
    if sort.unit != SUBWORDS:
        return split
    return lambda text: [piece for part in split(text) for piece in bpe.pieces(part, vocabulary.index)]


def _cut(sort: Tokens, parts: Tokenised, vocabulary: Vocabulary) -> Tokenised:
    """A line's end, the last type of a stream, stays one, and the last."""
    ends = parts.names[-1:] == [LINE_END]
    names = parts.names[:-1] if ends else parts.names
    types: dict[str, int] = {}
    flat: list[int] = []
    starts = [0]
    for part in names:
        flat += [types.setdefault(piece, len(types)) for piece in bpe.pieces(part, vocabulary.index)]
        starts.append(len(flat))
    if ends:
        flat.append(len(types))
        starts.append(len(flat))
    each = Sequences(np.array(flat, np.int32), np.array(starts)).take(parts.types.astype(np.int64))
    offsets = each.offsets[parts.offsets]
    lengths = np.diff(offsets)
    result = Tokenised([*types, *([LINE_END] if ends else [])], each.ids, offsets, lengths)
    if sort.max is None:
        return result
    room = max(sort.max - (2 if sort.marks else 0), 0)
    kept = np.concatenate([[0], np.cumsum(np.minimum(lengths, room))])
    inside = np.arange(len(each.ids)) - np.repeat(offsets[:-1], lengths) < room
    return replace(result, types=each.ids[inside], offsets=kept)
