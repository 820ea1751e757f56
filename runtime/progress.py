"""Where a run stands between two steps: with the weights and the optimizer's states all that going on takes.

Nothing of chance is kept: dropout, the order of the rows and the like are made from the seed and the counters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeVar, cast

from runtime.backend import Array
from runtime.evaluate import Evaluation, OutputScores
from runtime.schedule import Plateau

Value = TypeVar("Value")


@dataclass(frozen=True)
class Progress:
    """epoch: finished ones; step: made in all; batch: made of the epoch that is under way.

    loss: summed over that epoch's examples so far; examples: how many
    lr: the last step's
    best_epoch: 0 before the first has ended; best_valid: None without validation rows
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    loss: float = 0.0
    examples: int = 0
    lr: float = 0.0
    best_epoch: int = 0
    best_valid: Evaluation | None = None
    plateau: Plateau = field(default_factory=Plateau)

    @property
    def best_is_now(self) -> bool:
        """Whether the best epoch is the one that has just ended, its weights those of now."""
        return self.batch == 0 and self.epoch == self.best_epoch


@dataclass(frozen=True)
class Snapshot:
    """A run between two steps. Who goes on with one takes the arrays out, so that their memory is free again.

    store: weights and states as they are; best: the best epoch's weights, empty where `progress.best_is_now`
    carried: inside an epoch of a stream, the states that go on to the next window
    """

    progress: Progress
    store: dict[str, Array]
    best: dict[str, Array]
    carried: dict[str, Array] = field(default_factory=dict[str, "Array"])


def to_json(progress: Progress) -> dict[str, Any]:
    """Exactly: what from_json makes of it is equal. JSON has no NaN and no infinity; they are texts here."""
    best = progress.best_valid
    return {
        "epoch": progress.epoch,
        "step": progress.step,
        "batch": progress.batch,
        "loss": _out(progress.loss),
        "examples": progress.examples,
        "lr": _out(progress.lr),
        "best_epoch": progress.best_epoch,
        "best_valid": None if best is None else _evaluation_out(best),
        "plateau": {"factor": _out(progress.plateau.factor), "waited": progress.plateau.waited},
    }


def from_json(found: object) -> Progress:
    """Raises KeyError, TypeError or ValueError where it is not what to_json makes."""
    parts = _object(found)
    best, plateau = parts["best_valid"], _object(parts["plateau"])
    return Progress(
        epoch=_count(parts["epoch"]),
        step=_count(parts["step"]),
        batch=_count(parts["batch"]),
        loss=_number(parts["loss"]),
        examples=_count(parts["examples"]),
        lr=_number(parts["lr"]),
        best_epoch=_count(parts["best_epoch"]),
        best_valid=None if best is None else _evaluation(best),
        plateau=Plateau(_number(plateau["factor"]), _count(plateau["waited"])),
    )


def _evaluation_out(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "rows": evaluation.rows,
        "loss": _out(evaluation.loss),
        "outputs": [
            {
                "name": o.name,
                "metrics": _pairs(o.metrics, _out),
                "classes": None if o.classes is None else _pairs(o.classes, lambda each: _pairs(each, _out)),
                "confusion": None if o.confusion is None else [list(row) for row in o.confusion],
            }
            for o in evaluation.outputs
        ],
    }


def _evaluation(found: object) -> Evaluation:
    parts = _object(found)
    return Evaluation(_count(parts["rows"]), _number(parts["loss"]), tuple(_scores(o) for o in _list(parts["outputs"])))


def _scores(found: object) -> OutputScores:
    parts = _object(found)
    classes, confusion, name = parts["classes"], parts["confusion"], parts["name"]
    if not isinstance(name, str):
        raise TypeError("an output has no name")
    return OutputScores(
        name,
        _mapped(parts["metrics"], _metric),
        None if classes is None else _mapped(classes, lambda each: _mapped(each, _metric)),
        None if confusion is None else tuple(tuple(_count(n) for n in _list(row)) for row in _list(confusion)),
    )


def _pairs(values: Mapping[str, Any], change: Callable[[Any], object]) -> list[list[object]]:
    """In their order, which is that of the scores as they are shown; an object's keys would be sorted in the file."""
    return [[name, change(value)] for name, value in values.items()]


def _mapped(pairs: object, change: Callable[[Any], Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for pair in _list(pairs):
        name, value = _list(pair)
        if not isinstance(name, str) or name in found:
            raise TypeError("a score has no name of its own")
        found[name] = change(value)
    return found


def _out(value: float | int) -> float | int | str:
    if isinstance(value, int) or isfinite(value):
        return value if isinstance(value, int) else float(value)
    return str(float(value))


def _metric(value: object) -> float | int:
    """A count stays one."""
    return _count(value) if isinstance(value, int) else _number(value)


def _number(value: object) -> float:
    if isinstance(value, str) and value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63):
        return float(value)
    raise TypeError("a number is missing")


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise TypeError("a count is missing")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return cast("list[Any]", value)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object is missing")
    return cast("dict[str, Any]", value)
