"""Texts that `decode` writes: what a trained model needs to write them, and how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.sorts import Port, Tokens, is_written, owner, sequence_symbol_of
from compiler.step import NoStep
from compiler.written import decoder_step
from nnc.writing import stepping
from runtime.data import Rows
from runtime.data.detokenise import joined
from runtime.decode import Anew, Speaker, Stepped, texts_of

if TYPE_CHECKING:
    from nnc.model import Model


def written_tokens(model: Model, rows: Rows) -> dict[str, list[list[str]]]:
    """Of each output that is a text what is written for each row, token by token, in the order of the text."""
    network, settings = model.experiment.network, model.experiment.predict
    found: dict[str, list[list[str]]] = {}
    for port in filter(is_written, network.outputs):
        assert isinstance(port.sort, Tokens)
        ids = texts_of(speaker(model, port), network.prediction, port, rows, settings, model.experiment.train.seed)
        vocabulary = model.tables.vocabularies[owner(port)]
        texts = [[vocabulary.token(i) or "" for i in text] for text in ids]
        found[port.name] = [text[::-1] for text in texts] if port.sort.reverse else texts
    return found


def written_texts(model: Model, rows: Rows) -> dict[str, list[str]]:
    """The same as texts."""
    sorts = {p.name: p.sort for p in model.ports}
    found: dict[str, list[str]] = {}
    for name, texts in written_tokens(model, rows).items():
        sort = sorts[name]
        assert isinstance(sort, Tokens)
        found[name] = [joined(sort, tokens) for tokens in texts]
    return found


def speaker(model: Model, port: Port) -> Speaker:
    """What writes one of its texts."""
    network = model.experiment.network
    output, symbol = f"{port.name}.scores", sequence_symbol_of(port, network.ports)
    step = decoder_step(network, port)
    if isinstance(step, NoStep):
        return Anew(port, output, model.executor(network.prediction), symbol)
    start = model.executor(step.start) if step.start.outputs else None
    return Stepped(port, output, start, stepping(model, step, symbol))
