"""Columns of text and of categories: from text to tokens, and from tokens to ids."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import PAIR, SUBWORDS, Category, Port, Tokens, along
from runtime.data import bpe, pairs

PADDING, UNKNOWN, BEGIN, END = range(4)
OWN_IDS = 4
"""Padding, unknown, begin, end."""
MASK_ID = OWN_IDS
"""Of `pairs.MASK`, in the vocabulary of a pair."""


TOGETHER = 32
"""Texts whose tokens are looked up in one call: few enough that they are still in the processor's cache."""


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that have an id of their own, the first has OWN_IDS."""

    tokens: tuple[str, ...]

    def __len__(self) -> int:
        """How many ids there are, the program's own counted."""
        return OWN_IDS + len(self.tokens)

    @cached_property
    def index(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens, OWN_IDS)}

    def token(self, id: int) -> str | None:
        """The token of an id; None for the program's own ids."""
        return self.tokens[id - OWN_IDS] if OWN_IDS <= id < len(self) else None


@dataclass(frozen=True)
class Sequences:
    """Rows of ids of different length, end to end: row i is ids[offsets[i]:offsets[i + 1]], at least one id."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> Sequences:
        """These rows, in this order."""
        lengths = self.lengths[rows]
        offsets = _offsets(lengths)
        return Sequences(self.ids[self.places(rows)], offsets)

    def padded(self, rows: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """These rows as i64[rows, width] with id 0 past their ends, and their lengths; width: the longest or more."""
        result = np.zeros((len(rows), width), np.int64)
        result[self.real(rows, width)] = self.ids[self.places(rows)]
        return result, self.lengths[rows]

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the ids of these rows stand, one row after the other."""
        lengths = self.lengths[rows]
        return _spread(self.offsets[rows], _offsets(lengths), lengths)

    def real(self, rows: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
        """Which of bool[rows, width] is no padding."""
        return np.arange(width) < self.lengths[rows][:, None]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _spread(starts: NDArray[np.int64], offsets: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each element of rows laid end to end comes from."""
    return np.repeat(starts - offsets[:-1], lengths) + np.arange(int(offsets[-1]))


def splitter(sort: Tokens) -> Callable[[str], Sequence[str]]:
    """The function that cuts a text into its tokens, without `max`, `reverse` and `marks`; of subwords into the parts
    that pieces are cut from."""
    if sort.unit == PAIR:
        return pairs.splitter(splitter(replace(sort, unit="words")))
    if sort.unit == "sentences":
        return sentences
    if sort.unit == "chars":
        return lambda text: unicodedata.normalize("NFC", text.lower() if sort.lower else text)
    if sort.unit == SUBWORDS:
        parts = bpe.splitter()
        return (lambda text: parts(text.lower())) if sort.lower else parts
    if not sort.punctuation:
        return (lambda text: text.lower().split()) if sort.lower else str.split
    seen: dict[str, tuple[str, ...]] = {}

    def split(text: str) -> list[str]:
        tokens: list[str] = []
        for word in (text.lower() if sort.lower else text).split():
            pieces = seen.get(word)
            if pieces is None:
                pieces = seen[word] = _without_punctuation(word)
            tokens += pieces
        return tokens

    return split


SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++[\"'”’»)\]]*+(?=\s)|[。！？]++[”’」』）]*+")
"""Behind . ! ? and what closes with them where white space follows, and behind 。 ！ ？ wherever these stand."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space around them."""
    begin, found = 0, list[str]()
    for end in SENTENCE_END.finditer(text):
        found.append(text[begin : end.end()].strip())
        begin = end.end()
    return [sentence for sentence in (*found, text[begin:].strip()) if sentence]


def _without_punctuation(word: str) -> tuple[str, ...]:
    """`("don't!)` -> `(`, `"`, `don't`, `!`, `)`: each mark at an end by itself, those inside left alone."""
    begin, end = 0, len(word)
    while begin < end and is_punctuation(word[begin]):
        begin += 1
    while begin < end and is_punctuation(word[end - 1]):
        end -= 1
    core = (word[begin:end],) if begin < end else ()
    return (*word[:begin], *core, *word[end:])


def is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


@dataclass(frozen=True)
class Tokenised:
    """Texts as numbers of token types, before any vocabulary: row i is types[offsets[i]:offsets[i + 1]].

    names: each type's token
    lengths: of each row how many tokens it had before `max` cut it
    """

    names: list[str]
    types: NDArray[np.int32]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def cut(self) -> tuple[int, int]:
        """How many texts `max` cut, and the tokens that went."""
        lost = self.lengths - np.diff(self.offsets)
        return int(np.count_nonzero(lost)), int(lost.sum())

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often each type stands in these rows."""
        if len(rows) == len(self.lengths) and bool((rows == np.arange(len(rows))).all()):
            return np.bincount(self.types, minlength=len(self.names))
        lengths = np.diff(self.offsets)[rows]
        places = _spread(self.offsets[rows], _offsets(lengths), lengths)
        return np.bincount(self.types[places], minlength=len(self.names))


def tokenise(sort: Tokens, texts: list[str] | list[list[str]]) -> Tokenised:
    """Cut the texts into tokens; `max` cuts here, so that what the network never sees has no id.

    A text that is a list is in tokens already. Subwords are cut later: see `subwords.cut`.
    """
    split = splitter(sort)
    if sort.unit == SUBWORDS:
        texts = [text if isinstance(text, str) else " ".join(text) for text in texts]
        sort = replace(sort, max=None)
    types: defaultdict[str, int] = defaultdict()
    types.default_factory = types.__len__
    if sort.lower and sort.unit != "sentences" and texts and not isinstance(texts[0], str):
        texts = [[token.lower() for token in text] for text in texts]
    room = None if sort.max is None else max(sort.max - (2 if sort.marks else 0), 0)
    parts: list[NDArray[np.int32]] = []
    lengths: list[int] = []
    left: list[int] = []
    for start in range(0, len(texts), TOGETHER):
        together = texts[start : start + TOGETHER]
        tokens = [split(text) if isinstance(text, str) else text for text in together]
        lengths += map(len, tokens)
        kept = tokens if room is None else [_cut(sort, row, room) for row in tokens]
        parts.append(np.fromiter(map(types.__getitem__, chain.from_iterable(kept)), np.int32))
        left += map(len, kept)
    return Tokenised(
        list(types),
        np.concatenate(parts) if parts else np.zeros(0, np.int32),
        _offsets(np.array(left, np.int64)),
        np.array(lengths, np.int64),
    )


def _cut(sort: Tokens, tokens: Sequence[str], room: int) -> Sequence[str]:
    if sort.unit == PAIR and sort.max is not None:
        return pairs.cut(tokens, sort.max)
    return tokens[:room]


def as_tokens(port: Port, ports: tuple[Port, ...]) -> Tokens:
    """What the values for each token of a text are: tokens that `max`, `reverse` and `marks` of the text act on."""
    text = along(port, ports).sort
    assert isinstance(text, Tokens)
    like = replace(text, lower=False, punctuation=False, min=1, keep=None)
    return replace(like, min=port.sort.min, keep=port.sort.keep) if isinstance(port.sort, Category) else like


def one_each(values: list[str]) -> Tokenised:
    """A category: one token a row."""
    types: defaultdict[str, int] = defaultdict()
    types.default_factory = types.__len__
    ids = np.fromiter(map(types.__getitem__, values), np.int32, len(values))
    return Tokenised(list(types), ids, np.arange(len(values) + 1), np.ones(len(values), np.int64))


def fit(sort: Tokens | Category, counted: Iterable[tuple[Tokenised, NDArray[np.int64]]]) -> Vocabulary:
    """The tokens of the training rows of all who share the vocabulary: the frequent first, then by text."""
    totals: dict[str, int] = {}
    for tokenised, rows in counted:
        for name, count in zip(tokenised.names, tokenised.counts(rows).tolist(), strict=True):
            if count:
                totals[name] = totals.get(name, 0) + count
    own = (pairs.SEPARATOR, pairs.MASK) if _is_pair(sort) else ()
    found = sorted(name for name, count in totals.items() if count >= sort.min and name not in own)
    # Sorting keeps the order of what is equal, reversed or not.
    found.sort(key=totals.__getitem__, reverse=True)
    kept = found[: sort.keep]
    return Vocabulary((pairs.MASK, *kept) if kept and _is_pair(sort) else tuple(kept))


def _is_pair(sort: Tokens | Category) -> bool:
    return isinstance(sort, Tokens) and sort.unit == PAIR


def counts_of(vocabulary: Vocabulary, counted: Iterable[tuple[Tokenised, NDArray[np.int64]]]) -> tuple[int, ...]:
    """How often each of its tokens stands in these rows."""
    totals = np.zeros(len(vocabulary), np.int64)
    for tokenised, rows in counted:
        np.add.at(totals, ids_of_types(tokenised, vocabulary), tokenised.counts(rows))
    return tuple(totals[OWN_IDS:].tolist())


def ids_of_types(tokenised: Tokenised, vocabulary: Vocabulary) -> NDArray[np.int32]:
    index = {**vocabulary.index, pairs.SEPARATOR: END}
    return np.array([index.get(name, UNKNOWN) for name in tokenised.names], np.int32)


def encode_one_each(tokenised: Tokenised, vocabulary: Vocabulary) -> NDArray[np.int64]:
    """i64[rows]"""
    return ids_of_types(tokenised, vocabulary)[tokenised.types].astype(np.int64)


def encode(sort: Tokens, tokenised: Tokenised, vocabulary: Vocabulary) -> Sequences:
    """Ids in the order that the network sees; an empty text is one padding position."""
    return laid_out(sort, tokenised, ids_of_types(tokenised, vocabulary), (PADDING, BEGIN, END))


def laid_out(sort: Tokens, tokenised: Tokenised, ids: NDArray[np.int32], own: tuple[int, int, int]) -> Sequences:
    """In the order that the network sees. ids: each type's; own: in an empty text, at a begin, at an end."""
    empty, begin, end = own
    lengths = np.diff(tokenised.offsets)
    if not sort.marks and not sort.reverse and bool((lengths > 0).all()):
        return Sequences(ids[tokenised.types], tokenised.offsets)
    extra = 2 if sort.marks else 0
    new_lengths = np.maximum(lengths + extra, 1)
    offsets = _offsets(new_lengths)
    result = np.full(int(offsets[-1]), empty, np.int32)
    if len(tokenised.types):
        starts = offsets[:-1] + (1 if sort.marks else 0)
        places = _spread(starts, tokenised.offsets, lengths)
        if sort.reverse:
            last = np.repeat(starts + lengths - 1, lengths)
            places = np.repeat(starts, lengths) + last - places
        result[places] = ids[tokenised.types]
    if sort.marks:
        result[offsets[:-1]] = begin
        result[offsets[1:] - 1] = end
    return Sequences(result, offsets)
