"""How good tags are: spans found, as conlleval counts them, and tags that are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.backend import Array
from runtime.data import labels, schemes


def span_metrics(
    truth: Array, found: Array, offsets: Array, names: Sequence[str], *, reverse: bool = False
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """f1, precision, recall of spans and the accuracy of tags; and the first three of each type, with their count.

    truth, found: ids of all rows end to end; offsets: where each row begins, and the last one ends
    reverse: the rows stand the other way round
    """
    tagged = truth != labels.NONE
    starts = np.append(0, np.cumsum(tagged))[offsets]
    truth, found = truth[tagged], found[tagged]
    if reverse:
        truth, found, starts = truth[::-1], found[::-1], len(truth) - starts[::-1]
    there, said = (schemes.spans(names, ids, starts[:-1]) for ids in (truth, found))
    scores = schemes.span_scores(there, said)
    accuracy = float((truth == found).mean()) if len(truth) else float("nan")
    metrics = {"f1": scores.f1, "precision": scores.precision, "recall": scores.recall, "accuracy": accuracy}
    each = {
        type_: schemes.span_scores(there.of_type(i), said.of_type(i))
        for i, type_ in enumerate(schemes.types(names))
        if type_
    }
    by_type = {t: {"precision": s.precision, "recall": s.recall, "f1": s.f1, "count": s.there} for t, s in each.items()}
    return metrics, by_type
