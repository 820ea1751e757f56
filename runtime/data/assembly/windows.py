"""Running text of whose words each has its neighbours: split by its lines, whose windows are the examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Windows
from compiler.sorts import Port, Tokens, Word, owner
from dsl.errors import DataError, Diagnostic
from dsl.source import Span
from runtime.data import fitting, tokens
from runtime.data import rows as encoded
from runtime.data.assembly.entries import Assembled, Entries
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Rows
from runtime.data.tables import Tables
from runtime.data.tokens import OWN_IDS, Sequences, Tokenised, Vocabulary, ids_of_types
from runtime.data.whole import Whole
from runtime.data.windows import RunningText, nothing_stays, take_lines, without


def text_port(ports: tuple[Port, ...]) -> Port:
    """The running text as a port of its own: whose vocabulary it is decides how it is cut into words."""
    own = next(p for p in ports if isinstance(p.sort, Tokens | Word) and owner(p) == p.name)
    assert isinstance(own.sort, Tokens | Word)
    sort = Tokens("words", own.sort.lower, own.sort.punctuation, own.sort.min, keep=own.sort.keep)
    return Port(own.name, sort, False, own.span)


def running_text(
    ports: tuple[Port, ...], windows: Windows, tokenised: Tokenised, vocabulary: Vocabulary, counts: tuple[int, ...]
) -> RunningText:
    """The lines without the words that have no id."""
    ids = ids_of_types(tokenised, vocabulary)[tokenised.types]
    lines = without(Sequences(ids, tokenised.offsets), ids >= OWN_IDS)
    given, asked = (next(p.name for p in ports if p.output is output) for output in (False, True))
    kept: NDArray[np.float64] | None = None
    if windows.subsample is not None:
        share = np.array(counts, np.float64) / max(sum(counts), 1)
        with np.errstate(divide="ignore"):
            stays = np.minimum(np.sqrt(windows.subsample / share), 1.0)
        kept = np.concatenate([np.zeros(OWN_IDS), stays])
    return RunningText(lines, windows, given, asked, kept)


def assemble(entries: Entries, of: Windows) -> Assembled:
    """Windows to learn from are drawn anew in each epoch; those that are scored are as wide as they can be.

    Raises DataError NN790 for a split in which no word has a neighbour.
    """
    ports, whole, problems, splits = entries.ports, entries.whole, entries.problems, entries.splits()
    text = text_port(ports)
    tokenised = whole.tokenised((text,), problems)
    tables = fitting.fit((text,), tokenised, whole.columns, splits["train"], entries.vocabularies)
    counts = tokens.counts_of(tables.vocabularies[text.name], [(tokenised[text.name], splits["train"])])
    tables = replace(tables, counts={text.name: counts})
    every = running_text(ports, of, tokenised[text.name], tables.vocabularies[text.name], counts)
    fitting.warn((text,), tokenised, whole.columns, whole.span, splits, encoded.make((text,), 0, {}), problems)
    texts = {name: take_lines(every, lines) for name, lines in splits.items()}
    for name, each in texts.items():
        if not each.count(0, 0) and not len(each.everything()):
            raise DataError(_no_windows(f"the {name} lines", of.span))
    if (expected := texts["train"].expected_words) < 2:
        raise DataError(nothing_stays(of, f"{expected:.2g} words of an epoch"))
    rows = {name: encoded.of_text(ports, each, tables.counts) for name, each in texts.items()}
    scored = {name: each.of_windows(texts[name].everything()) for name, each in rows.items() if name != "train"}
    return Assembled(entries.dataset({**rows, **scored}, tables), whole, tokenised, splits)


def of_file(ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems, of: Windows) -> Rows:
    """All windows of another running text."""
    text = text_port(ports)
    tokenised = Whole.of((raw,)).tokenised((text,), problems)[text.name]
    every = running_text(ports, of, tokenised, tables.vocabularies[text.name], tables.counts[text.name])
    pairs = every.everything()
    if not len(pairs):
        raise DataError(_no_windows("the lines", raw.span(text.name, 0)))
    return encoded.of_text(ports, every, tables.counts).of_windows(pairs)


def _no_windows(lines: str, span: Span | None) -> Diagnostic:
    message = f"{lines} have no word with a neighbour: each line has one word at most that has an id"
    return Diagnostic("NN790", message, span, help="a line is a sentence; lower `min=`, or write more words in a line")
