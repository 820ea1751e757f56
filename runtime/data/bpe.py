"""Pieces of words, by byte pair encoding: which there are is learnt, and a word is cut into them.

Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909. Instead of a list of merges there is the vocabulary alone, in
the order in which it was learnt: of all neighbours that make a piece those of the earliest one are joined first.
A space belongs to the word behind it, so that pieces written side by side are the text again.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import groupby, pairwise
from typing import TypeAlias

LONGEST = 64
"""Characters of what is cut into pieces at once: the work grows with the square of it."""
STRETCH = re.compile(r" ?\S+|\s+(?!\S)|\s+")
"""A word with the space before it; of other white space all but that space."""
Pair: TypeAlias = tuple[str, str]
NONE = sys.maxsize
"""The place of what is no piece."""
TWICE = 2
"""Times that neighbours must be seen to be joined: a piece that is seen once tells nothing."""


def splitter() -> Callable[[str], list[str]]:
    """The function that cuts a text, with a space before it, into letters, digits, and other marks: no piece has two of
    these. Put together, they are the text behind that space. An empty text has none."""
    seen: dict[str, list[str]] = {}

    def split(text: str) -> list[str]:
        found: list[str] = []
        for stretch in STRETCH.findall(f" {text}") if text else ():
            if stretch not in seen:
                seen[stretch] = _by_kind(stretch)
            found += seen[stretch]
        return found

    return split


def joined(pieces: Iterable[str]) -> str:
    """The text of these pieces."""
    return "".join(pieces).removeprefix(" ")


def _by_kind(stretch: str) -> list[str]:
    word = stretch.removeprefix(" ")
    if not word.strip():
        runs = [stretch]
    else:
        runs = ["".join(run) for _, run in groupby(word, _kind)]
        runs[0] = stretch[: len(stretch) - len(word)] + runs[0]
    return [run[at : at + LONGEST] for run in runs for at in range(0, len(run), LONGEST)]


def _kind(character: str) -> str:
    kind = unicodedata.category(character)[0]
    # An accent that stands by itself belongs to its letter.
    return {"M": "L", "L": "L", "N": "N"}.get(kind, "other")


def learn(counts: Mapping[str, int], most: int, least: int = 1) -> tuple[str, ...]:
    """The pieces, at most so many: the characters, the frequent first, then what was joined, in this order.

    counts: how often each part stands in the text; least: how often a character, or two neighbours, must be seen
    """
    letters: Counter[str] = Counter()
    for part, count in counts.items():
        for letter in part:
            letters[letter] += count
    known = dict.fromkeys(sorted((a for a, n in letters.items() if n >= least), key=lambda a: (-letters[a], a))[:most])
    words, often = _words(counts, known)
    pairs: defaultdict[Pair, int] = defaultdict(int)
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += often[i]
            where[pair].add(i)
    # The most frequent first, of equal ones by text. A count that has changed since stands there again.
    waiting = [(-count, pair) for pair, count in pairs.items()]
    heapify(waiting)
    while waiting and len(known) < most:
        count, pair = heappop(waiting)
        if pairs.get(pair) != -count:
            continue
        if -count < max(least, TWICE):
            break
        known["".join(pair)] = None
        changed: set[Pair] = set()
        for i in where.pop(pair):
            words[i], lost, gained = _joined_in(words[i], pair)
            for other in lost:
                pairs[other] -= often[i]
            for other in gained:
                pairs[other] += often[i]
                where[other].add(i)
            changed.update(lost, gained)
        del pairs[pair]
        for other in changed - {pair}:
            if pairs[other] > 0:
                heappush(waiting, (-pairs[other], other))
    return tuple(known)


def _words(counts: Mapping[str, int], known: Mapping[str, None]) -> tuple[list[list[str]], list[int]]:
    """The parts in characters, each between those that are no pieces, and how often each stands there."""
    words: list[list[str]] = []
    often: list[int] = []
    for part, count in counts.items():
        for inside, run in groupby(part, known.__contains__):
            if inside:
                words.append(list(run))
                often.append(count)
    return words, often


def _joined_in(word: Sequence[str], pair: Pair) -> tuple[list[str], list[Pair], list[Pair]]:
    """The word with the pair as one symbol, from left to right, the neighbours that are gone and those that are new."""
    first, second = pair
    result: list[str] = []
    lost: list[Pair] = []
    gained: list[Pair] = []
    before = ""
    for symbol in word:
        # What was read before this symbol, which may have been joined since.
        if symbol == second and result and result[-1] == first:
            result[-1] = first + second
            if len(result) > 1:
                lost.append((result[-2], first))
                gained.append((result[-2], result[-1]))
        else:
            if result and result[-1] != before:
                lost.append((before, symbol))
                gained.append((result[-1], symbol))
            result.append(symbol)
        before = symbol
    return result, lost, gained


def pieces(part: str, index: Mapping[str, int]) -> list[str]:
    """A part in pieces; a character that is none stays by itself. index: the place of each piece in the vocabulary"""
    if part in index:
        return [part]
    found = list(part)
    while len(found) > 1:
        first, piece = min((index.get(a + b, NONE), a + b) for a, b in pairwise(found))
        if first == NONE:
            break
        found = _merged(found, piece)
    return found


def _merged(word: Sequence[str], piece: str) -> list[str]:
    """Neighbours that make this piece as one, from left to right."""
    result: list[str] = []
    for symbol in word:
        if result and len(result[-1]) + len(symbol) == len(piece) and result[-1] + symbol == piece:
            result[-1] = piece
        else:
            result.append(symbol)
    return result
