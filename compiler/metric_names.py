"""The names of the scores that an output gets; `runtime.metrics` computes them. `metric=` names one of them."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.experiment import Head
from compiler.settings.train import TrainSettings
from compiler.sorts import Class, Following, Follows, Masked, Penalty, Pixels, Segments, Spans, Tokens, Word
from dsl.errors import Diagnostic
from dsl.nearest import nearest

CLASS_METRICS = ("accuracy", "macro_f1", "precision", "recall")
BINARY_METRICS = (*CLASS_METRICS, "auc")
NUMBER_METRICS = ("rmse", "mae", "r2")
SPAN_METRICS = ("f1", "precision", "recall", "accuracy")
PIXEL_METRICS = ("mean_iou", "accuracy", "macro_f1", "precision", "recall")
PENALTY_METRICS = ("mean",)
TOKEN_METRICS = ("perplexity", "nats", "accuracy")


def metrics_of(head: Head) -> tuple[str, ...]:
    """Of one output, the one that decides first."""
    match head.port.sort:
        case Segments() | Spans():
            return SPAN_METRICS
        case Following() | Masked() | Tokens():
            return TOKEN_METRICS
        case Word():
            return ("nats", "accuracy") if head.kind in ("softmax", "probabilities") else ("nats",)
        case Penalty():
            return PENALTY_METRICS
        case Pixels():
            return PIXEL_METRICS
        case Class() | Follows():
            pass
        case _:
            return NUMBER_METRICS
    if head.port.per is not None:
        return CLASS_METRICS
    return BINARY_METRICS if head.kind in ("sigmoid", "score") else CLASS_METRICS


def metric_names(heads: Sequence[Head]) -> tuple[str, ...]:
    """Every name that `metric=` may give: the first output's bare, `loss`, and each as `OUTPUT.METRIC`.

    The first is that of the first output that is no penalty, if there is one: by it the best epoch is chosen.
    """
    qualified = tuple(f"{head.port.name}.{name}" for head in heads for name in metrics_of(head))
    first = next((head for head in heads if not isinstance(head.port.sort, Penalty)), heads[0])
    return (*metrics_of(first), "loss", *qualified)


def wrong_metric(heads: Sequence[Head], train: TrainSettings) -> Diagnostic | None:
    """What is wrong with `stop metric=`; None where nothing is."""
    names = metric_names(heads)
    if train.metric is None or train.metric in names:
        return None
    near = nearest(train.metric, names)
    hint = f"did you mean {near}?" if near else f"the metrics here: {', '.join(names)}"
    return Diagnostic("NN651", f"no output has a metric {train.metric}", train.stop_span, help=hint)
