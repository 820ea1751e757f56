"""What is wrong with a later phase is found before the first one is trained."""

from __future__ import annotations

import numpy as np

from compiler.experiment import Experiment
from compiler.ir.types import bound_shape
from nnc.initial import begin
from nnc.model import Model, Origin
from nnc.training import Recipe, prepared
from runtime.data import Dataset, Tables


def rehearsed(recipe: Recipe, experiment: Experiment, fold: int | None) -> Dataset:
    """The rows of the first phase, with the words of the weights that it starts from.

    The data of each later phase are read and prepared up to its first step; nothing is kept of them.

    experiment: of the first phase, not bound to sizes

    Raises what reading and preparing raise.
    """
    first = recipe.read(experiment, fold, begin(experiment, recipe.base).vocabularies)
    phases = recipe.phases()
    if len(phases) == 1:
        return first
    before = untrained(recipe.check(first.tables.sizes()), first.tables)
    for phase in range(1, len(phases)):
        unbound = recipe.check(phase=phase)
        beginning = begin(unbound, recipe.base, before)
        dataset = recipe.read(unbound, fold, beginning.vocabularies)
        bound, _ = prepared(recipe, dataset, phase=phase, beginning=beginning)
        before = untrained(bound, dataset.tables)
    return first


def untrained(experiment: Experiment, tables: Tables) -> Model:
    """A model as a phase hands it on, but for its numbers, which take no memory."""
    parameters = experiment.network.parameters
    weights = {p.name: np.broadcast_to(np.float32(0), bound_shape(p.type, {})) for p in parameters}
    return Model(experiment, tables, weights, Origin(), {})
