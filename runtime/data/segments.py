"""Columns of `segments per chars`: a text in which spaces part words is its characters, and a tag for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compiler.sorts import MADE, Port, Real, Segments, Series, Tokens, along
from runtime.data.part import Columns
from runtime.data.schemes import tags_of_words
from runtime.data.tokens import splitter


def written(ports: Iterable[Port]) -> tuple[Port, ...]:
    """The ports that have columns of their own, as these are read: segments stand in that of their text, others
    are made; a series is numbers until its windows are cut."""
    own = (p for p in ports if not isinstance(p.sort, (Segments, *MADE)))
    return tuple(replace(p, sort=Real(p.sort.width)) if isinstance(p.sort, Series) else p for p in own)


def separated(ports: tuple[Port, ...], columns: Columns, *, tagged: bool = True) -> Columns:
    """The columns with each segmented text as its characters and their tags; without tags, as its characters alone."""
    texts, lists = dict(columns.texts), dict(columns.lists)
    for port in ports:
        if not isinstance(port.sort, Segments) or port.per not in columns.ports():
            continue
        sort = along(port, ports).sort
        assert isinstance(sort, Tokens)
        assert port.per is not None
        # A text that comes as a list is one of words.
        given = texts.pop(port.per) if port.per in texts else [" ".join(words) for words in lists[port.per]]
        characters = splitter(sort)
        words = [[characters(word) for word in text.split()] for text in given]
        lists[port.per] = [[character for word in row for character in word] for row in words]
        if tagged:
            lists[port.name] = [tags_of_words(row) for row in words]
    return replace(columns, texts=texts, lists=lists)
