"""The scores of a cross-validation: each fold's, and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsl.render import show
from nnc.report import number, title
from nnc.scores import flat, mean, scores_json
from runtime.events import TrainResult


def fold_results(results: list[TrainResult]) -> dict[str, Any]:
    """`test` and `valid` are means over the folds, `folds` the list."""
    each = [{"test": scores_json(r.test), "valid": scores_json(r.valid), "best_epoch": r.best_epoch} for r in results]
    return {
        "test": mean([e["test"] for e in each]),
        "valid": mean([e["valid"] for e in each]),
        "folds": each,
        "epochs": max(r.epochs for r in results),
        "seconds": round(sum(r.seconds for r in results), 3),
    }


def fold_lines(whole: Mapping[str, Any], folds: int, folder: Path) -> list[str]:
    """The mean of each score, and between which two the folds lie."""
    lines = [f"mean of {folds} folds"]
    means = flat(whole["test"] or {})
    each = [flat(fold["test"] or {}) for fold in whole["folds"]]
    for name in sorted(means, key=lambda name: name.rpartition(".")[2] == "loss"):
        found = [fold[name] for fold in each if name in fold]
        between = f"{number(min(found))} to {number(max(found))}"
        lines.append(f"  test   {title(name):<10} {number(means[name]):>7}   ({between})")
    return [*lines, "", f"{show(str(folder))}/fold-1 to fold-{folds}"]
