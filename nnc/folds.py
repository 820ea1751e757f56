"""The scores of a cross-validation: each fold's, and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsl.render import show
from nnc.report import number, title
from runtime.evaluate import Evaluation
from runtime.events import TrainResult


def fold_results(results: list[TrainResult]) -> dict[str, Any]:
    """`test` and `valid` are means over the folds, `folds` the list."""
    each = [{"test": _json(r.test), "valid": _json(r.valid), "best_epoch": r.best_epoch} for r in results]
    return {
        "test": mean([e["test"] for e in each]),
        "valid": mean([e["valid"] for e in each]),
        "folds": each,
        "epochs": max(r.epochs for r in results),
        "seconds": round(sum(r.seconds for r in results), 3),
    }


def mean(values: list[Any]) -> Any:
    """Of numbers, and of objects of numbers, key by key; null where one is missing."""
    if any(value is None for value in values):
        return None
    if isinstance(values[0], dict):
        keys = [key for key in values[0] if all(key in value for value in values)]
        return {key: mean([value[key] for value in values]) for key in keys}
    return sum(values) / len(values)


def _json(evaluation: Evaluation | None) -> dict[str, Any] | None:
    return None if evaluation is None else evaluation.to_json()


def fold_lines(whole: Mapping[str, Any], folds: int, folder: Path) -> list[str]:
    """The mean of each score, and between which two the folds lie."""
    lines = [f"mean of {folds} folds"]
    means = _flat(whole["test"] or {})
    each = [_flat(fold["test"] or {}) for fold in whole["folds"]]
    for name in sorted(means, key=lambda name: name.rpartition(".")[2] == "loss"):
        found = [fold[name] for fold in each if name in fold]
        between = f"{number(min(found))} to {number(max(found))}"
        lines.append(f"  test   {title(name):<10} {number(means[name]):>7}   ({between})")
    return [*lines, "", f"{show(str(folder))}/fold-1 to fold-{folds}"]


def _flat(scores: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Scores by name, those of an output behind its name; without counts and what belongs to one class."""
    found: dict[str, float] = {}
    for name, value in scores.items():
        if isinstance(value, dict) and name != "classes":
            found |= _flat(value, f"{before}{name}.")
        elif isinstance(value, float) and name != "rows":
            found[f"{before}{name}"] = value
    return found
