"""Views of a text: from the numbers of its tokens to those of its n-grams, each with the texts of its own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Category, Port, Tokens, has_ids, owner, word_of
from compiler.views import Ngrams, Sentence, Spelling, View
from runtime.data import spelled, tokens
from runtime.data.tokens import Sequences, Tokenised, Vocabulary


@dataclass(frozen=True)
class PortView:
    """A view of one port. name: of its column and its input; owner: of its vocabulary; sort: what its ids are like"""

    name: str
    owner: str
    port: Port
    view: View

    @property
    def sort(self) -> Category:
        return Category(self.view.min, self.view.keep)


def views_of(ports: tuple[Port, ...]) -> list[PortView]:
    return [PortView(v.of(p.name), v.of(owner(p)), p, v) for p in ports if has_ids(p) for v in p.views]


def tokenised(ports: tuple[Port, ...], found: Mapping[str, Tokenised]) -> dict[str, Tokenised]:
    """The views of those texts that are there, of a spelling the characters of each type. found: the texts' tokens"""
    made: dict[str, Tokenised] = {}
    for view in views_of(ports):
        text = found.get(view.port.name)
        if text is not None and isinstance(view.view, Spelling | Sentence):
            made[view.name] = spelled.spelling(view.view, text)
        elif text is not None:
            made[view.name] = ngrams(view.view, text, "" if word_of(view.port.sort) == "chars" else " ")
    return made


def rows_in(view: PortView, tokenised: Mapping[str, Tokenised], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which rows of the view's own types come from these rows: of a spelling, those of their words."""
    if isinstance(view.view, Spelling):
        return np.flatnonzero(tokenised[view.port.name].counts(rows))
    if isinstance(view.view, Sentence):
        # A word counts as often as its sentence stands there.
        counts = tokenised[view.port.name].counts(rows)
        return np.repeat(np.arange(len(counts)), counts)
    return rows


def encoded(
    view: PortView, ports: tuple[Port, ...], tokenised: Mapping[str, Tokenised], vocabulary: Vocabulary
) -> Sequences:
    """The view's ids in the order that the network sees."""
    like = view.port.sort if isinstance(view.port.sort, Tokens) else tokens.as_tokens(view.port, ports)
    if isinstance(view.view, Spelling | Sentence):
        return spelled.encode(like, view.view, tokenised[view.port.name], tokenised[view.name], vocabulary)
    return tokens.encode(like, tokenised[view.name], vocabulary)


def ngrams(view: Ngrams, tokenised: Tokenised, between: str) -> Tokenised:
    """The n-grams in the place of the tokens. between: what is written between the tokens of one."""
    window = range(1 - view.n, 1) if view.before else range(view.n)
    nothing = len(tokenised.names)
    tokens = [*tokenised.names, ""]
    names: list[str] | None = None
    types = np.zeros(len(tokenised.types), np.int64)
    for away in window:
        neighbours = _neighbours(tokenised, away, nothing)
        if names is None:
            names, types = tokens, neighbours
            continue
        # Numbers of pairs are below the product of two numbers of types, each of which fits an array.
        pairs, types = np.unique(types * len(tokens) + neighbours, return_inverse=True)
        names = [f"{names[p // len(tokens)]}{between}{tokens[p % len(tokens)]}" for p in pairs.tolist()]
    return replace(tokenised, names=names or tokens, types=types.astype(np.int32))


def _neighbours(tokenised: Tokenised, away: int, nothing: int) -> np.ndarray:
    """The type so many tokens after each (before it, where negative); `nothing` outside of its text."""
    count = len(tokenised.types)
    places = np.arange(count) + away
    lengths = np.diff(tokenised.offsets)
    inside = (places >= np.repeat(tokenised.offsets[:-1], lengths)) & (
        places < np.repeat(tokenised.offsets[1:], lengths)
    )
    return np.where(inside, tokenised.types[np.clip(places, 0, max(count - 1, 0))], nothing).astype(np.int64)
