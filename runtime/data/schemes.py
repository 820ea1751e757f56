"""Tags that mark stretches of a sequence: BIO, IOB1 and BIOES for spans, BMES for words; what each allows, and back.

Spans are read as conlleval reads them, legal or not: a tag begins one unless it goes on with the one before it, of the
same type. Source: Tjong Kim Sang and Buchholz 2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scheme: TypeAlias = Literal["BIO", "IOB1", "BIOES", "BMES"]

OUTSIDE = "O"
BMES = ("B", "E", "M", "S")
PREFIXES = "OBIES"
"""Each prefix's code is its place; M of BMES is I."""
OUT, BEGIN, IN, END, SINGLE = range(len(PREFIXES))

UNKNOWN_INSIDE = -3
"""The id of a tag that no training row has where it goes on with a span; where it begins one it is labels.UNKNOWN."""

Ids: TypeAlias = NDArray[np.int64]


def parted(tag: str) -> tuple[int, str] | None:
    """`B-PER` -> the code of B, `PER`; None for what is no tag of any scheme."""
    prefix, dash, type_ = tag.partition("-")
    code = PREFIXES.find("I" if prefix == "M" else prefix) if len(prefix) == 1 else -1
    return None if code < 0 or (code == OUT and dash) else (code, type_)


def begins(before: str | None, tag: str) -> bool:
    """Whether a tag begins a span, after the tag before it (None: the first position). Both are tags of a scheme."""
    code, type_ = parted(tag) or (OUT, "")
    earlier, of = (parted(before) if before is not None else None) or (OUT, "")
    return code != OUT and (earlier in (OUT, END, SINGLE) or code in (BEGIN, SINGLE) or type_ != of)


def recognised(sequences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme that the tags follow; where they break it, the one that they break less often."""
    inside_first = begun_alone = 0
    for tags in sequences:
        before = None
        for tag in tags:
            if tag != before and begins(before, tag):
                prefix = tag[:1]
                if prefix in ("E", "S"):
                    return "BIOES"
                inside_first += prefix == "I"
                begun_alone += prefix == "B" and (before or OUTSIDE).partition("-")[2] != tag[2:]
            elif tag[:1] == "E":
                return "BIOES"
            before = tag
    return "IOB1" if inside_first > begun_alone else "BIO"


def complete(tags: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags of the scheme for the types that occur: a span may come to be longer than any seen.

    Their order tells the scheme.
    """
    if scheme == "BMES":
        return BMES
    prefixes = {"BIO": "BI", "IOB1": "IB", "BIOES": "BIES"}[scheme]
    types = sorted({part[1] for tag in tags if (part := parted(tag)) is not None and part[0] != OUT})
    return (OUTSIDE, *(f"{prefix}-{type_}".removesuffix("-") for type_ in types for prefix in prefixes))


def scheme_of(labels: Sequence[str]) -> Scheme:
    """The scheme that `complete` gave the labels of."""
    if tuple(labels) == BMES:
        return "BMES"
    prefixes = [label[:1] for label in labels if label != OUTSIDE]
    return "BIOES" if "E" in prefixes else "IOB1" if prefixes[:1] == ["I"] else "BIO"


def canonical(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """The tags that mark the same spans as the scheme has it."""
    found = [OUTSIDE] * len(tags)
    starts = [i for i, (before, tag) in enumerate(pairwise([None, *tags])) if tag is not None and begins(before, tag)]
    before = -1
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end] != OUTSIDE and not begins(tags[end - 1], tags[end]):
            end += 1
        _, type_ = parted(tags[start]) or (OUT, "")
        touching = before == start and found[start - 1][2:] == type_
        for i, prefix in zip(range(start, end), _prefixes(end - start, scheme, touching), strict=True):
            found[i] = f"{prefix}-{type_}" if type_ else prefix
        before = end
    return found


def _prefixes(length: int, scheme: Scheme, touching: bool) -> str:
    match scheme:
        case "BIO":
            return "B" + "I" * (length - 1)
        case "IOB1":
            return ("B" if touching else "I") + "I" * (length - 1)
        case "BIOES":
            return "S" if length == 1 else "B" + "I" * (length - 2) + "E"
        case "BMES":
            return "S" if length == 1 else "B" + "M" * (length - 2) + "E"


def legal(labels: Sequence[str], scheme: Scheme) -> NDArray[np.bool_]:
    """Which label may follow which: bool[K + 1, K + 1] (from, to); the last place stands for what is around a row."""
    parts = [*(parted(label) or (OUT, "") for label in labels), (OUT, "")]
    return np.array([[_follows(a, b, scheme) for b in parts] for a in parts])


def _follows(a: tuple[int, str], b: tuple[int, str], scheme: Scheme) -> bool:
    (before, of), (code, type_) = a, b
    match scheme:
        case "BIO":
            return code != IN or (before in (BEGIN, IN) and of == type_)
        case "IOB1":
            return code != BEGIN or (before in (BEGIN, IN) and of == type_)
        case "BIOES" | "BMES":
            return code in (IN, END) and of == type_ if before in (BEGIN, IN) else code not in (IN, END)


@dataclass(frozen=True)
class Spans:
    """Spans in the order of their places: positions [first, last], and the id of the type."""

    first: Ids
    last: Ids
    type: Ids

    def __len__(self) -> int:
        return len(self.first)

    def of_type(self, type_: int) -> Spans:
        chosen = self.type == type_
        return Spans(self.first[chosen], self.last[chosen], self.type[chosen])


def types(labels: Sequence[str]) -> tuple[str, ...]:
    """The types of spans in the order of their ids; "" is that of tags without one, and of O."""
    return tuple(sorted({(parted(label) or (OUT, ""))[1] for label in labels}))


def spans(labels: Sequence[str], ids: Ids, starts: Ids) -> Spans:
    """The spans of rows that lie end to end. ids: into the labels, or below 0; starts: where each row begins.

    A tag that no training row has makes spans of a type of their own.
    """
    known = types(labels)
    parts = [parted(label) or (OUT, "") for label in labels]
    # Ids below 0 count from the end: UNKNOWN_INSIDE, NONE, UNKNOWN.
    codes = np.array([*(code for code, _ in parts), IN, OUT, BEGIN], np.int64)[ids]
    kinds = np.array([*(known.index(type_) for _, type_ in parts), len(known), -1, len(known)], np.int64)[ids]
    inside = codes != OUT
    before, of = np.roll(codes, 1), np.roll(kinds, 1)
    new = (codes == BEGIN) | (codes == SINGLE) | (before == OUT) | (before == END) | (before == SINGLE) | (kinds != of)
    new[starts[starts < len(ids)]] = True
    begun = inside & new
    over = inside & ~np.append((inside & ~new)[1:], False)
    first = np.flatnonzero(begun)
    return Spans(first, np.flatnonzero(over), kinds[first])


def named_types(labels: Sequence[str]) -> tuple[str, ...]:
    """The types that have a name."""
    return tuple(filter(None, types(labels)))


@dataclass(frozen=True)
class SpanScores:
    """right: spans found with their ends and type; found, there: how many were said, and are."""

    right: int
    found: int
    there: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.found + self.there) if self.found + self.there else 0.0


def span_scores(truth: Spans, found: Spans) -> SpanScores:
    """As conlleval counts: a span is right if both its ends and its type are."""
    _, i, j = np.intersect1d(truth.first, found.first, assume_unique=True, return_indices=True)
    right = (truth.last[i] == found.last[j]) & (truth.type[i] == found.type[j])
    return SpanScores(int(right.sum()), len(found), len(truth))


def tags_of_words(words: Sequence[str]) -> list[str]:
    """For each character of the words B, M, E or S: begin, middle, end, single."""
    tags: list[str] = []
    for word in words:
        tags += _prefixes(len(word), "BMES", False)
    return tags


def words_of(characters: Sequence[str], tags: Sequence[str]) -> list[str]:
    """The words that the tags make of the characters, legal or not: as `spans` reads them."""
    words: list[str] = []
    before = None
    for character, tag in zip(characters, tags, strict=True):
        if before is None or begins(before, tag):
            words.append(character)
        else:
            words[-1] += character
        before = tag
    return words
