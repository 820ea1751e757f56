"""The word vectors of a model: which of its tables they are, and files that they are asked with and written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from compiler.experiment import Network
from compiler.ir.graph import Input
from compiler.ops.lookup import Gather
from compiler.sorts import PAIR, Document, has_ids, owner, vocabulary_word
from dsl.errors import Diagnostic, RunError
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span
from nnc.model import Model
from runtime.backend import Array
from runtime.data import real
from runtime.data.files import TextFile
from runtime.word_vectors import AnalogyScores, SimilarityScores, WordVectors, analogies, similarity

PAIRED = "two words and a number, with TABs between"


def tables(model: Model) -> dict[str, WordVectors]:
    """By the layer's label or word, the tables that words look up, in the order of the spec."""
    return {
        table.rpartition(".")[0]: WordVectors(model.tables.vocabularies[owner], model.weights[table])
        for table, owner in tables_of_words(model.experiment.network).items()
    }


def tables_of_words(network: Network) -> dict[str, str]:
    """The weights that are looked up by words, with the vocabulary whose words these are, in the order of the spec."""
    of_words = ("words", "word", PAIR)
    words = {p.name: owner(p) for p in network.inputs if has_ids(p) and vocabulary_word(p.sort) in of_words}
    for port in network.inputs:
        if isinstance(port.sort, Document):
            sentence = port.sort.sentence
            words[sentence.letters(port.name)] = sentence.of(port.name)
    weights = {p.name for p in network.parameters}
    found: dict[str, str] = {}
    for node in network.prediction.nodes():
        if not isinstance(node.op, Gather) or not all(isinstance(n.op, Input) for n in node.inputs):
            continue
        table, ids = (n.op.name for n in node.inputs if isinstance(n.op, Input))
        if table in weights and ids in words:
            found.setdefault(table, words[ids])
    return found


def vectors_of(model: Model, layer: str | None) -> WordVectors:
    """The table of a layer, or the first one. Raises RunError NN792 where there is none."""
    known = tables(model)
    if not known:
        message = "this model has no table of word vectors"
        raise RunError(Diagnostic("NN792", message, help="a layer such as `embed 100` of words has one"))
    if layer is None:
        return next(iter(known.values()))
    if layer not in known:
        near = nearest(layer, list(known))
        hint = f"did you mean {near}?" if near else f"its tables are {', '.join(map(show, known))}"
        raise RunError(Diagnostic("NN792", f"the model has no table of word vectors {show(layer)}", help=hint))
    return known[layer]


def place_of(vectors: WordVectors, word: str) -> int:
    """Raises RunError NN791 for a word without a vector."""
    found = vectors.place(word)
    if found is None:
        near = nearest(word, list(vectors.vocabulary.tokens))
        hint = f"did you mean {show(near)}?" if near else "the vocabulary has the words of the training text"
        raise RunError(Diagnostic("NN791", f"there is no vector of {show(word)}", help=hint))
    return found


def write(path: Path, vectors: WordVectors) -> int:
    """The vectors in the text form of word2vec; how many. Raises RunError NN793 where the file cannot be written.

    Seven digits, from which the same numbers are read again.
    """
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(_lines(vectors))
    except OSError as error:
        message = f"{show(str(path))} cannot be written: {error.strerror}"
        raise RunError(Diagnostic("NN793", message, help="name a file in a folder that is there")) from None
    return len(vectors.vocabulary.tokens)


def _lines(vectors: WordVectors) -> Iterator[str]:
    rows: Array = vectors.table[-len(vectors.vocabulary.tokens) :]
    yield f"{len(rows)} {rows.shape[1]}\n"
    for word, row in zip(vectors.vocabulary.tokens, rows.astype(np.float32), strict=True):
        yield f"{word} {' '.join(f'{x:.9g}' for x in row.tolist())}\n"


def asked_of(vectors: WordVectors, text: TextFile) -> AnalogyScores | SimilarityScores | None:
    """The scores of a file of analogies (sections `: name`, four words a line) or of pairs (two words and a number,
    with TABs between); None for a file that is neither.

    Raises RunError NN794 for a line that breaks the form, and for pairs without TABs.
    """
    lines = [line.strip() for line in text.text.split("\n")]
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line]
    if not numbered:
        return None
    if numbered[0][1].startswith(":"):
        return analogies(vectors, list(_questions(numbered, text)))
    # A first line without a score may be a heading: that is told, and not taken for running text.
    if all(_pair(line) is None for _, line in numbered[:2]):
        # Of a running text not every line is two words and a number.
        if len(numbered) > 2 and all(_loose(line) for _, line in numbered[1:]):
            first = numbered[0] if _loose(numbered[0][1]) else numbered[1]
            raise _wrong(text, *first, PAIRED, "these are pairs of words, but no TABs stand between")
        return None
    pairs: list[tuple[str, str, float]] = []
    for number, line in numbered:
        pair = _pair(line)
        if pair is None:
            raise _wrong(text, number, line, f"{PAIRED}, and there is no heading")
        pairs.append(pair)
    return similarity(vectors, pairs)


def _questions(lines: list[tuple[int, str]], text: TextFile) -> Iterator[tuple[str, tuple[str, str, str, str]]]:
    section = ""
    for number, line in lines:
        words = line.split()
        if line.startswith(":"):
            section = line[1:].strip()
        elif len(words) == 4:
            yield section, (words[0], words[1], words[2], words[3])
        else:
            raise _wrong(text, number, line, "four words: a b c d, of which a is to b as c is to d")


def _pair(line: str) -> tuple[str, str, float] | None:
    parts = line.split("\t")
    score = real.number(parts[2]) if len(parts) == 3 else None
    return None if score is None else (parts[0], parts[1], score)


def _loose(line: str) -> bool:
    """Whether it is a pair but for its TABs."""
    return _pair(re.sub(r"[\s,;]+", "\t", line)) is not None


def _wrong(
    text: TextFile, number: int, line: str, form: str, message: str = "this line is not like the others"
) -> RunError:
    place = Span(text.name, number, 1, number, len(line) + 1, line[:1000])
    return RunError(Diagnostic("NN794", message, place, help=f"a line has {form}"))
