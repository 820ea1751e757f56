"""What there is to know of rows before anything is trained on them: `nnc check --data`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Document, Image, Pixels, Port, Real, Tokens, has_ids, has_labels, owner, word_of
from compiler.views import base
from runtime.data import maps, repeats
from runtime.data.assembly.entries import Assembled
from runtime.data.assembly.windows import text_port
from runtime.data.rows import Array, Rows
from runtime.data.series import of_series
from runtime.data.spelled import Spelled
from runtime.data.splits import Indices
from runtime.data.tables import Tables
from runtime.data.tokens import UNKNOWN, Sequences, Tokenised
from runtime.data.views import rows_in, views_of

EXAMPLES = 5


@dataclass(frozen=True)
class Lengths:
    """Tokens of a text before `max` cuts it, over all rows. cut_texts, cut_tokens: what `max` takes away; unit: words,
    chars or sentences."""

    least: int
    median: int
    most_of_95_percent: int
    most: int
    max: int | None
    cut_texts: int
    cut_tokens: int
    unit: str = "words"


@dataclass(frozen=True)
class VocabularySurvey:
    """unit: words, chars or category, of a view what one of its types is called; ids: how many have an id of their own

    once: how many stand in the training rows just once; rare: some of these
    unknown: of each split, the share of tokens that have no id of their own
    """

    unit: str
    ports: tuple[str, ...]
    ids: int
    once: int
    rare: tuple[str, ...]
    unknown: Mapping[str, float]


@dataclass(frozen=True)
class Range:
    """Of one column of numbers, over all rows, in the data's own scale."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Repeats:
    """inside: rows that repeat the inputs of another of their split; in_training: whose inputs training has too."""

    inside: int
    in_training: int | None


@dataclass(frozen=True)
class Survey:
    """By split or by port. rows: of a stream its tokens; labels: of each label how often it stands in each split."""

    rows: Mapping[str, int]
    texts: Mapping[str, Lengths]
    vocabularies: Mapping[str, VocabularySurvey]
    labels: Mapping[str, Mapping[str, Mapping[str, int]]]
    numbers: Mapping[str, tuple[Range, ...]]
    pictures: Mapping[str, Range]
    repeats: Mapping[str, Repeats]
    stream: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def survey(ports: tuple[Port, ...], found: Assembled) -> Survey:
    """ports: the model's, outputs with them"""
    columns, data = found.whole.columns, found.dataset
    if data.train.text is not None:
        return _of_text(text_port(ports), found)
    if data.train.documents is not None:
        return _of_text(data.train.documents.pair, found)
    used = np.concatenate(list(found.splits.values()))
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    rows = {name: part for name, part in parts.items() if part is not None}
    texts = {
        p.name: _lengths(p.sort, *((found.lines[p.name], None) if found.lines else (found.tokenised[p.name], used)))
        for p in ports
        if isinstance(p.sort, Tokens) and p.name in found.tokenised
    }
    vocabularies: dict[str, VocabularySurvey] = {}
    for port in ports:
        if has_ids(port) and owner(port) == port.name and not isinstance(port.sort, Document):
            sharing = [p.name for p in ports if has_ids(p) and owner(p) == port.name and p.name in found.tokenised]
            unit = {"bag": "words", "word": "words"}.get(word_of(port.sort), word_of(port.sort))
            vocabularies[port.name] = _vocabulary(port.name, unit, sharing, found, rows, found.splits["train"])
    for view in views_of(ports):
        sharing = [v.name for v in views_of(ports) if v.owner == view.owner]
        train = rows_in(view, found.tokenised, found.splits["train"])
        vocabularies[view.owner] = _vocabulary(view.owner, view.view.unit, sharing, found, rows, train)
    labels = {p.name: _labels(data.tables.labels[p.name], _label_counts(p, found)) for p in ports if has_labels(p)}
    numbers = {
        p.name: tuple(_range(column) for column in columns.numbers[p.name][used].T)
        for p in ports
        if isinstance(p.sort, Real)
    } | _series(ports, data.train, data.tables)
    pictures = {p.name: _brightness(columns.pictures[p.name]) for p in ports if isinstance(p.sort, Image)}
    return Survey(
        rows={name: part.tokens if found.lines else part.count for name, part in rows.items()},
        texts=texts,
        vocabularies=vocabularies,
        labels=labels,
        numbers=numbers,
        pictures=pictures,
        # A stream has no rows that could repeat others, and windows of a series lie on each other.
        repeats={} if found.lines or of_series(ports) else _repeats(ports, found),
        stream=bool(found.lines),
    )


def _series(ports: tuple[Port, ...], train: Rows, tables: Tables) -> dict[str, tuple[Range, ...]]:
    """Each column of a series, in its own units, over the last rows of the windows that training has."""
    found: dict[str, tuple[Range, ...]] = {}
    for port, sort in of_series(ports):
        windows = train.columns[port.name]
        assert not isinstance(windows, Sequences)
        last = windows[:, -1].reshape(train.count, sort.width)
        last = tables.scalings[port.name].back(last) if sort.standard else last
        found[port.name] = tuple(_range(column) for column in last.T)
    return found


def _of_text(text: Port, found: Assembled) -> Survey:
    """A running text, whose rows are lines. text: its vocabulary is its own."""
    assert isinstance(text.sort, Tokens)
    name, used = text.name, np.concatenate(list(found.splits.values()))
    tokenised, known = found.tokenised[name], found.dataset.tables.vocabularies[name].index
    lacks = np.array([token not in known for token in tokenised.names])
    unknown: dict[str, float] = {}
    for split, rows in found.splits.items():
        counts = tokenised.counts(rows)
        unknown[split] = float(counts[lacks].sum() / max(counts.sum(), 1))
    own = _vocabulary(name, text.sort.unit, [name], found, {}, found.splits["train"])
    return Survey(
        rows={split: len(rows) for split, rows in found.splits.items()},
        texts={name: _lengths(text.sort, tokenised, used)},
        vocabularies={name: replace(own, unknown=unknown)},
        labels={},
        numbers={},
        pictures={},
        repeats={},
    )


def _lengths(sort: Tokens, tokenised: Tokenised, used: Indices | None) -> Lengths:
    """used: rows, None for all"""
    lengths = tokenised.lengths if used is None else tokenised.lengths[used]
    kept = np.diff(tokenised.offsets) if used is None else np.diff(tokenised.offsets)[used]
    median, most = np.percentile(lengths, [50, 95], method="inverted_cdf").tolist()
    return Lengths(
        int(lengths.min()),
        int(median),
        int(most),
        int(lengths.max()),
        sort.max,
        int(np.count_nonzero(lengths != kept)),
        int((lengths - kept).sum()),
        "words" if sort.unit == "bag" else sort.unit,
    )


def _vocabulary(
    owner: str, unit: str, sharing: Sequence[str], found: Assembled, rows: Mapping[str, Rows], train: Indices
) -> VocabularySurvey:
    """sharing: the columns whose vocabulary it is"""
    counts: Counter[str] = Counter()
    for name in sharing:
        tokenised = found.tokenised[name]
        counts.update(dict(zip(tokenised.names, tokenised.counts(train).tolist(), strict=True)))
    once = [token for token, count in counts.items() if count == 1]
    return VocabularySurvey(
        unit,
        tuple(map(base, sharing)),
        len(found.dataset.tables.vocabularies[owner].tokens),
        len(once),
        tuple(once[:EXAMPLES]),
        {name: _unknown(part, sharing) for name, part in rows.items()},
    )


def _unknown(rows: Rows, ports: Sequence[str]) -> float:
    unknown = total = 0
    for name in ports:
        column = rows.columns[name]
        column = column.used() if isinstance(column, Spelled) else column
        ids = column.ids if isinstance(column, Sequences) else column
        unknown += int(np.count_nonzero(ids == UNKNOWN))
        total += len(ids)
    return unknown / max(total, 1)


def _label_counts(port: Port, found: Assembled) -> dict[str, Counter[str]]:
    """By part, how many rows or tokens have each label."""
    if (each := found.tokenised.get(port.name)) is not None:
        return {
            part: +Counter(dict(zip(each.names, each.counts(r).tolist(), strict=True)))
            for part, r in found.splits.items()
        }
    if isinstance(port.sort, Pixels):
        pixels = found.whole.columns.maps[port.name]
        return {part: maps.counts(pixels[rows]) for part, rows in found.splits.items()}
    column = found.whole.columns.texts[port.name]
    return {part: Counter([column[i] for i in rows.tolist()]) for part, rows in found.splits.items()}


def _labels(known: Sequence[str], counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    # Labels that training lacks come last.
    others = sorted({label for count in counts.values() for label in count})
    every: dict[str, None] = dict.fromkeys((*known, *others))
    return {label: {name: count[label] for name, count in counts.items()} for label in every}


def _range(column: NDArray[np.float64]) -> Range:
    return Range(float(column.min()), float(column.mean()), float(column.max()))


def _brightness(pictures: Array) -> Range:
    """From 0 to 1."""
    scale = 255.0 if pictures.dtype == np.uint8 else 1.0
    return Range(float(pictures.min()) / scale, float(pictures.mean()) / scale, float(pictures.max()) / scale)


def _repeats(ports: tuple[Port, ...], found: Assembled) -> dict[str, Repeats]:
    keys = repeats.keys(ports, found.whole.columns)
    train = found.splits["train"]
    return {
        name: Repeats(
            repeats.inside(keys, rows), None if name == "train" else len(repeats.in_training(keys, train, rows))
        )
        for name, rows in found.splits.items()
    }
