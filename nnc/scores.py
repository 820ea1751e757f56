"""Scores as JSON has them: of rows, of an epoch; the mean of several, and all of them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runtime.evaluate import Evaluation, number_or_null
from runtime.events import EpochDone


def scores_json(evaluation: Evaluation | None) -> dict[str, Any] | None:
    """Null where nothing was scored."""
    return None if evaluation is None else evaluation.to_json()


def epoch_json(done: EpochDone) -> dict[str, Any]:
    """An epoch as a log has it: without its seconds, which differ from run to run."""
    return {
        "epoch": done.epoch,
        "loss": number_or_null(done.loss),
        "lr": done.lr,
        "valid": scores_json(done.valid),
        "best": done.best,
    }


def mean(values: list[Any]) -> Any:
    """Of numbers, and of objects of numbers, key by key; null where one is missing."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], str):
        return values[0]
    if isinstance(values[0], dict):
        keys = [key for key in values[0] if all(key in value for value in values)]
        return {key: mean([value[key] for value in values]) for key in keys}
    return sum(values) / len(values)


def flat(scores: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Scores by name, those of an output behind its name; without what belongs to one class, and the rows."""
    found: dict[str, float] = {}
    for name, value in scores.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{name}.") if name != "classes" else {}
        elif isinstance(value, int | float) and name != "rows":
            found[f"{before}{name}"] = float(value)
    return found
