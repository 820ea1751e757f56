"""Training of a shipped spec, for tests of what comes out of it."""

from __future__ import annotations

from pathlib import Path

from nnc.training import prepared, recipe
from runtime.events import TrainResult
from runtime.train import train
from tests import chosen

SPECS = Path(__file__).parents[2] / "specs"


def trained(spec: str, seed: int = 1, sets: tuple[str, ...] = ()) -> TrainResult:
    """The result of training a shipped spec on the data that ships, as `nnc train` does."""
    made = recipe(SPECS / spec, sets=sets, seed=seed)
    _, job = prepared(made, made.read(made.check()), chosen.backend())
    return train(job, lambda event: None)
