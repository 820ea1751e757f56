"""What the training rows alone decide: vocabularies, label sets, scalings; and what to warn of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import (
    PAIR,
    SUBWORDS,
    Category,
    Class,
    Document,
    Follows,
    Pixels,
    Port,
    Real,
    Segments,
    Spans,
    Tokens,
    Word,
    has_ids,
    has_labels,
    owner,
)
from compiler.views import Sentence, View
from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span
from runtime.data import labels, maps, real, tags, tokens
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.rows import Array, Rows
from runtime.data.schemes import BMES
from runtime.data.table import plural
from runtime.data.tables import Tables
from runtime.data.tokens import Tokenised, Vocabulary
from runtime.data.views import PortView, rows_in, views_of

FOLLOWS = ("no", "yes")
"""The labels of `follows`."""
UNITS = {"words": "word", "chars": "character", SUBWORDS: "piece", PAIR: "word", "sentences": "sentence"}
"""What one of a text is called."""
MANY = 0.03
"""Share of the words that end in punctuation from which on it is worth a word: one in a sentence of thirty."""


def fit(
    ports: tuple[Port, ...],
    tokenised: Mapping[str, Tokenised],
    columns: Columns,
    train: NDArray[np.int64],
    given: Mapping[str, Vocabulary] | None = None,
) -> Tables:
    """The tables of the training rows. given: vocabularies that are taken as they are.

    Raises DataError: NN717 for one label only, NN724 for a vocabulary without a token.
    """
    vocabularies = _vocabularies(ports, tokenised, train, given or {})
    label_sets = {p.name: _labels(p, tokenised, columns, train) for p in ports if has_labels(p)}
    scalings = {
        p.name: real.fit(columns.numbers[p.name][train]) for p in ports if isinstance(p.sort, Real) and p.sort.standard
    }
    counts: dict[str, tuple[int, ...]] = {}
    for name in dict.fromkeys(owner(p) for p in ports if isinstance(p.sort, Word)):
        counts[name] = tokens.counts_of(
            vocabularies[name], [(tokenised[each], train) for each in _sharing(ports, name)]
        )
    return Tables(vocabularies, label_sets, scalings, counts)


def _sharing(ports: tuple[Port, ...], name: str) -> list[str]:
    """The inputs and outputs whose ids are of the vocabulary of that name."""
    return [p.name for p in ports if has_ids(p) and owner(p) == name]


def _vocabularies(
    ports: tuple[Port, ...],
    tokenised: Mapping[str, Tokenised],
    train: NDArray[np.int64],
    given: Mapping[str, Vocabulary],
) -> dict[str, Vocabulary]:
    """By owner: those of texts and categories, then those of what texts are read by beside, n-grams or characters."""
    found: dict[str, Vocabulary] = {}
    for port in ports:
        if port.name in given:
            found[port.name] = given[port.name]
        elif isinstance(port.sort, Document):
            # Its words are known, and no sentence is a token of the network.
            found[port.name] = Vocabulary(())
        elif isinstance(port.sort, Tokens | Category) and owner(port) == port.name:
            fitted = tokens.fit(port.sort, [(tokenised[name], train) for name in _sharing(ports, port.name)])
            if not fitted.tokens:
                raise DataError(_no_tokens(port, port.sort))
            found[port.name] = fitted
    for view in views_of(ports):
        if view.owner in given:
            found[view.owner] = given[view.owner]
        elif view.owner not in found:
            sharing = [v for v in views_of(ports) if v.owner == view.owner]
            fitted = tokens.fit(view.sort, [(tokenised[v.name], rows_in(v, tokenised, train)) for v in sharing])
            if not fitted.tokens:
                raise DataError(_none_of(view))
            found[view.owner] = fitted
    return found


def _labels(
    port: Port, tokenised: Mapping[str, Tokenised], columns: Columns, train: NDArray[np.int64]
) -> tuple[str, ...]:
    """The labels of an output, in the order of their ids."""
    match port.sort:
        case Segments():
            return BMES
        case Follows():
            return FOLLOWS
        case Spans():
            return tags.fit(port, tokenised[port.name], train)
        case Pixels():
            return maps.fit(port, columns.maps[port.name][train])
        case _ if port.name in tokenised:
            each = tokenised[port.name]
            return labels.fit(port, (each.names[i] for i in np.flatnonzero(each.counts(train))))
        case _:
            column = columns.texts[port.name]
            return labels.fit(port, map(column.__getitem__, train.tolist()))


def _no_tokens(port: Port, sort: Tokens | Category) -> Diagnostic:
    unit = f"{UNITS.get(sort.unit, 'token')}s" if isinstance(sort, Tokens) else "values"
    seen = f" that stand there {sort.min} times" if sort.min > 1 else ""
    return Diagnostic(
        "NN724",
        f"the training rows of `{port.name}` hold no {unit}{seen}: its vocabulary would be empty",
        port.span,
        help="lower `min=`" if sort.min > 1 else f"check which column holds the {unit}",
    )


def _none_of(view: PortView) -> Diagnostic:
    """No n-gram, or no character of a word, has an id."""
    seen = f" that stands there {view.view.min} times" if view.view.min > 1 else ""
    return Diagnostic(
        "NN724",
        f"the training rows of `{view.port.name}` hold no {view.view.unit}{seen}: their vocabulary would be empty",
        view.port.span,
        help=_lower(view.view) if view.view.min > 1 else "check which column holds the text",
    )


def _lower(view: View) -> str:
    return "lower `min=`" if isinstance(view, Sentence) else f"write {view.written} min=1"


def warn(
    ports: tuple[Port, ...],
    tokenised: Mapping[str, Tokenised],
    columns: Columns,
    span: Callable[..., Span],
    parts: Mapping[str, NDArray[np.int64]],
    rows: Rows,
    problems: Problems,
) -> None:
    """Labels that look alike or are not known, texts that were cut, punctuation that sticks to words."""
    for port in ports:
        sort = port.sort
        if isinstance(sort, Tokens) and port.name in tokenised:
            warn_of_cut(port, sort, tokenised[port.name], problems)
            split = port.name in columns.texts
            if sort.unit in ("words", PAIR) and split and not sort.punctuation and "train" in parts:
                _warn_of_punctuation(port, tokenised[port.name], parts["train"], problems)
        elif isinstance(sort, Class) and port.per is not None and port.name in tokenised and "train" in parts:
            _warn_of_unknown_tags(port, tokenised[port.name], span, parts, problems)
        elif isinstance(sort, Pixels) and port.name in columns.maps:
            for part, chosen in parts.items():
                pixels, ids = (each[chosen] for each in (columns.maps[port.name], cast(Array, rows.columns[port.name])))
                place = lambda row, c=chosen, n=port.name: span(n, int(c[row]))  # noqa: E731
                maps.warn_of_unknown(port, pixels, ids, place, part, problems)
        elif isinstance(sort, Class) and port.name in rows.columns and port.name in columns.texts:
            name = port.name
            column = columns.texts[name]
            labels.warn_of_twins(port, column, lambda row, name=name: span(name, row), problems)
            ids = cast(Array, rows.columns[name])
            for part, chosen in parts.items():
                here = [column[i] for i in chosen.tolist()]
                labels.warn_of_unknown(
                    port, here, ids[chosen], lambda row, c=chosen, n=name: span(n, int(c[row])), part, problems
                )


def _warn_of_unknown_tags(
    port: Port,
    tags: Tokenised,
    span: Callable[..., Span],
    parts: Mapping[str, NDArray[np.int64]],
    problems: Problems,
) -> None:
    """Labels of tokens that the training rows lack: one warning a part, with the first place.

    span: of an output, a row, and a position in it
    """
    known = np.zeros(len(tags.names), bool)
    for row in parts["train"].tolist():
        known[tags.types[tags.offsets[row] : tags.offsets[row + 1]]] = True
    for part, chosen in parts.items():
        each = [tags.types[tags.offsets[row] : tags.offsets[row + 1]] for row in chosen.tolist()]
        first = [int(np.argmin(known[types])) if len(types) else 0 for types in each]
        names = ["" if known[types].all() else tags.names[types[at]] for types, at in zip(each, first, strict=True)]
        ids = np.array([labels.UNKNOWN if name else 0 for name in names], np.int64)
        place = lambda row, c=chosen, at=first: span(port.name, int(c[row]), at[row])  # noqa: E731
        labels.warn_of_unknown(port, names, ids, place, part, problems)


def warn_of_cut(port: Port, sort: Tokens, tokenised: Tokenised, problems: Problems) -> None:
    """Texts that are longer than `max=`: of what is past it there is no label either."""
    texts_cut, tokens_cut = tokenised.cut
    count = len(tokenised.lengths)
    if texts_cut:
        unit = UNITS.get(sort.unit, "token")
        problems.warn(
            Diagnostic(
                "NN721",
                f"`{port.name}`: {texts_cut:,} of {plural(count, 'text')} "
                f"{'is' if texts_cut == 1 else 'are'} longer than max={sort.max}; {plural(tokens_cut, unit)} cut off",
                port.span,
                help="raise `max=` to keep them",
                severity="warning",
            )
        )


def _warn_of_punctuation(port: Port, tokenised: Tokenised, train: NDArray[np.int64], problems: Problems) -> None:
    counts = tokenised.counts(train)
    sticks = np.array([_ends_in_punctuation(name) for name in tokenised.names], bool)
    total, sticking = int(counts.sum()), int(counts[sticks].sum()) if len(counts) else 0
    if total and sticking > MANY * total:
        example = tokenised.names[int(np.argmax(np.where(sticks, counts, -1)))]
        problems.warn(
            Diagnostic(
                "NN722",
                f'`{port.name}`: {sticking / total:.0%} of the words end in punctuation, such as "{show(example)}"',
                port.span,
                help="words(punctuation) would split it off, so that the same word is the same word everywhere",
                severity="warning",
            )
        )


def _ends_in_punctuation(word: str) -> bool:
    return len(word) > 1 and tokens.is_punctuation(word[-1]) and not all(map(tokens.is_punctuation, word))
