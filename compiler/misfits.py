"""What the `train` section asks of a model and its data that they do not have."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.experiment import Network
from compiler.metric_names import wrong_metric
from compiler.settings.data import DataSettings
from compiler.settings.train import TrainSettings
from compiler.sorts import NUMBERS, Class, Tokens, has_labels, is_written, pair_of
from dsl.errors import Diagnostic
from dsl.nearest import nearest
from dsl.source import Span

FOR = {"huber": (NUMBERS, "numbers", "real"), "contrastive": ((Class,), "labels", "a class")}
"""What a loss is for."""


def misfits(network: Network, train: TrainSettings, data: DataSettings | None) -> Iterator[Diagnostic]:
    """An error for each; data is None where the spec has no such section."""
    if data is not None and data.valid is None:
        yield from _unjudged(train)
    if data is not None and data.windows is not None:
        for port in (p for p in network.inputs if p.views):
            message = f"{port.name} is read by its n-grams or characters, and windows= gives single words"
            yield Diagnostic("NN592", message, data.windows.span, help="leave n= or spelling out")
    pair = pair_of(network.ports)
    if pair is not None and pair.views:
        message = f"{pair.name} is read by its n-grams or characters, and pairs are drawn of words"
        yield Diagnostic("NN611", message, pair.span, help="leave n= or spelling out")
    unknown = wrong_metric(network.heads, train)
    if unknown is not None:
        yield unknown
    yield from _loss(network, train)
    if train.balanced and not any(has_labels(h.port) and h.loss != "crf" for h in network.heads):
        yield _nothing("classes balanced weighs labels, and no output is a class", train.balanced_span)
    if train.layerwise != 1 and not network.rounds:
        yield _nothing("layerwise lowers the rate round by round, and there is no repeat", train.layerwise_span)
    if train.smoothing and not any(h.of_probabilities for h in network.heads):
        yield _nothing("smoothing is for the probabilities of labels, and no output has any", train.smoothing_span)
    if train.batch_tokens is not None and not any(isinstance(p.sort, Tokens) for p in network.inputs):
        help = "write batch 32"
        yield _nothing("batch tokens= counts the positions of texts, and no input is one", train.batch_span, help)
    if train.batch_tokens is not None and network.carried:
        message = "batch tokens= counts rows of different lengths, and a stream is cut into lanes that are equally long"
        yield _nothing(message, train.batch_span, "write batch 20 for 20 lanes")
    if train.teacher.lets_go and not any(map(is_written, network.outputs)):
        message = "teacher says what decode is fed while it learns, and no output is a text that it writes"
        yield _nothing(message, train.teacher.span)
    if train.unroll_span is not None and not network.carried:
        message = "unroll cuts the stream of a stateful layer, and there is none"
        yield _nothing(message, train.unroll_span, "leave it out, or write lstm 200 stateful")
    if train.batch == 1 and train.batch_tokens is None:
        yield from _single_rows(network)


def _unjudged(train: TrainSettings) -> Iterator[Diagnostic]:
    asking = [("stop", train.stop_span)] if train.patience is not None else []
    if train.schedule.kind == "plateau":
        asking.append(("schedule plateau", train.schedule.span))
    for word, span in asking:
        help = "write `valid 10%` in data"
        yield Diagnostic("NN605", f"{word} needs validation rows, and data has none", span, help=help)


def _single_rows(network: Network) -> Iterator[Diagnostic]:
    """batchnorm of vectors, where every batch is one row."""
    for row in network.layers:
        normalizes = any(p.name.endswith("running_mean") and p.trained is False for p in row.parameters)
        if normalizes and all(out.rank == 2 for out in row.out):
            message = "batchnorm over batches of one row gives 0 whatever the row holds"
            yield Diagnostic("NN532", message, row.span, help="make the batch larger, or use layernorm")


def _loss(network: Network, train: TrainSettings) -> Iterator[Diagnostic]:
    loss, outputs = train.loss, {p.name: p.sort for p in network.outputs}
    for name, _ in loss.weights:
        if name not in outputs:
            yield _nothing(f"{name} is an input: it has no loss to weigh", loss.span, _choice(name, tuple(outputs)))
    if loss.of is not None and loss.of not in outputs:
        yield _nothing(f"no output is named {loss.of}", loss.span, _choice(loss.of, tuple(outputs)))
    elif loss.kind in FOR:
        sort, what, one = FOR[loss.kind]
        if loss.of is not None and not isinstance(outputs[loss.of], sort):
            yield _nothing(f"loss {loss.kind} is for {what}, and {loss.of} is not {one}", loss.span)
        elif not any(isinstance(each, sort) for each in outputs.values()):
            yield _nothing(f"loss {loss.kind} is for {what}, and no output is {one}", loss.span)
    elif loss.kind == "perceptron" and not any(h.loss == "perceptron" for h in network.heads):
        yield _nothing("loss perceptron is for dense sign, and no output ends in it", loss.span)


def _choice(name: str, outputs: tuple[str, ...]) -> str:
    near = nearest(name, outputs)
    return f"did you mean {near}?" if near else f"the outputs are {', '.join(outputs)}"


def _nothing(message: str, span: Span | None, help: str = "leave it out") -> Diagnostic:
    return Diagnostic("NN609", message, span, "finds nothing in the model", help=help)
