"""Texts that `decode` writes: what a trained model needs to write them, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from compiler.sorts import SUBWORDS, Port, Tokens, is_written, owner, sequence_symbol_of
from compiler.step import NoStep
from compiler.written import decoder_step
from nnc.bleu import by_sacrebleu
from nnc.writing import stepping
from runtime.data import Rows
from runtime.data.detokenise import joined
from runtime.data.tokens import splitter
from runtime.decode import FEWEST, ROWS, Anew, Speaker, Stepped, texts_of
from runtime.evaluate import Evaluation, OutputScores
from runtime.text_scores import exact_match
from runtime.workers import workers

if TYPE_CHECKING:
    from nnc.model import Model


def written_ids(model: Model, rows: Rows) -> dict[str, list[list[int]]]:
    """Of each output that is a text the ids that are written for each row, in the order in which they are."""
    network, settings = model.experiment.network, model.experiment.predict
    return {
        port.name: texts_of(
            speakers(model, port, rows.count), network.prediction, port, rows, settings, model.experiment.train.seed
        )
        for port in filter(is_written, network.outputs)
    }


def written_tokens(model: Model, rows: Rows) -> dict[str, list[list[str]]]:
    """The same token by token, in the order of the text."""
    return _in_tokens(model, written_ids(model, rows))


def _in_tokens(model: Model, ids: Mapping[str, list[list[int]]]) -> dict[str, list[list[str]]]:
    ports = {p.name: p for p in model.ports}
    found: dict[str, list[list[str]]] = {}
    for name, texts in ids.items():
        vocabulary, sort = model.tables.vocabularies[owner(ports[name])], ports[name].sort
        assert isinstance(sort, Tokens)
        tokens = [[vocabulary.token(i) or "" for i in text] for text in texts]
        found[name] = [text[::-1] for text in tokens] if sort.reverse else tokens
    return found


def joined_texts(model: Model, ids: Mapping[str, list[list[int]]]) -> dict[str, list[str]]:
    """Written ids as texts."""
    sorts = {p.name: p.sort for p in model.ports}
    found: dict[str, list[str]] = {}
    for name, texts in _in_tokens(model, ids).items():
        sort = sorts[name]
        assert isinstance(sort, Tokens)
        found[name] = [joined(sort, tokens) for tokens in texts]
    return found


def speakers(model: Model, port: Port, rows: int) -> list[Speaker]:
    """What writes one of its texts for so many rows, as many as there are threads for."""
    count = workers(model.backend, min(rows * model.experiment.predict.beam, ROWS) // FEWEST)
    return [model.decoders[port.name].another() for _ in range(count)]


def speaker(model: Model, port: Port) -> Speaker:
    """What writes one of its texts."""
    network = model.experiment.network
    output, symbol = f"{port.name}.scores", sequence_symbol_of(port, network.ports)
    step = decoder_step(network, port)
    if isinstance(step, NoStep):
        return Anew(port, output, model.executor(network.prediction), symbol)
    start = model.executor(step.start) if step.start.outputs else None
    return Stepped(port, output, start, stepping(model, step, symbol))


def with_text_scores(model: Model, rows: Rows | None, found: Evaluation | None) -> Evaluation | None:
    """The scores of rows, with those of what is written for them: `bleu`, `chrf` and `exact_match`.

    As `predict` of the spec says; without sacrebleu `exact_match` alone.
    """
    if found is None or rows is None or not any(map(is_written, model.experiment.network.outputs)):
        return found
    written = written_tokens(model, rows)
    sorts = {p.name: p.sort for p in model.ports}
    outputs: list[OutputScores] = []
    for scores in found.outputs:
        sort = sorts[scores.name]
        if scores.name not in written or not isinstance(sort, Tokens):
            outputs.append(scores)
            continue
        texts, told = written[scores.name], rows.told[scores.name]
        split = splitter(sort)
        whole = [joined(sort, tokens) for tokens in texts]
        if sort.unit == SUBWORDS:
            # A text that is cut in another way is the same text.
            texts = [list(split(text)) for text in whole]
        metrics = {**scores.metrics, "exact_match": exact_match(texts, [list(split(text)) for text in told])}
        counted = by_sacrebleu(whole, told, sort.lower)
        if counted is not None:
            metrics |= counted[0]
        outputs.append(replace(scores, metrics=metrics, signature=None if counted is None else counted[1]))
    return replace(found, outputs=tuple(outputs))
