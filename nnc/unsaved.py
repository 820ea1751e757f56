"""A run that writes nothing: folds and phases one after the other, told as a run in its folder is."""

from __future__ import annotations

from collections.abc import Callable

from nnc.initial import begin
from nnc.model import Model
from nnc.run_events import ONE_SETTING, Ended, Noted, Part, PartBegun, RunEvent, Warned
from nnc.training import Recipe, prepared, trained
from runtime.backend import Backend


def run_unsaved(
    recipe: Recipe, on_event: Callable[[RunEvent], None], stop_asked: Callable[[], bool], backend: Backend
) -> None:
    """Ended is told of each fold, up to one that is stopped; its path is None."""
    unbound = recipe.check()
    if unbound.swept:
        on_event(ONE_SETTING)
    folds = unbound.data.folds if unbound.data is not None else None
    for fold in range(folds) if folds is not None else (None,):
        ended = _phases(recipe, fold, folds, on_event, stop_asked, backend)
        on_event(ended)
        if ended.result.stopped:
            break


def _phases(
    recipe: Recipe,
    fold: int | None,
    folds: int | None,
    on_event: Callable[[RunEvent], None],
    stop_asked: Callable[[], bool],
    backend: Backend,
) -> Ended:
    phases = recipe.phases()
    before: Model | None = None
    ended: Ended | None = None
    for phase in range(len(phases)):
        part = Part(fold, folds, phase, phases)
        unbound = recipe.check(phase=phase)
        beginning = begin(unbound, recipe.base, before)
        dataset = recipe.read(unbound, fold, beginning.vocabularies)
        on_event(Warned((*unbound.warnings, *dataset.warnings)))
        experiment, job = prepared(recipe, dataset, backend, phase, beginning, note=lambda text: on_event(Noted(text)))
        on_event(PartBegun(part, experiment, dataset, job.backend))
        result, model = trained(recipe, experiment, job, on_event, stop_asked, fold, score=part.last)
        ended, before = Ended(part, result, model, dataset, None, True), model
        if result.stopped:
            break
    assert ended is not None
    return ended
