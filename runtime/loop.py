"""The steps of a run from where it stands: batches, an evaluation an epoch, the best epoch's weights, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NoReturn

import numpy as np

from dsl.errors import DataError, RunError
from runtime.backend import Array, all_finite
from runtime.carried import Carried
from runtime.data import Batch, Rows, batches
from runtime.data.batches import batch_count
from runtime.data.windows import nothing_stays
from runtime.deferred import Stepper
from runtime.evaluate import Evaluation, evaluate, feeds_of, float_dtype, tokens_in
from runtime.events import BatchDone, EpochDone, Event, NotSaved, Saved
from runtime.execute import Executor
from runtime.job import Job
from runtime.metrics import better
from runtime.not_finite import not_finite
from runtime.progress import Progress, Snapshot
from runtime.schedule import rate, total_steps, true_words
from runtime.teaching import Teaching


@dataclass(frozen=True)
class Pace:
    """How often a run is saved: the time between two is what a kill may cost.

    seconds: between two inside an epoch; epoch_seconds: below which the end of an epoch is no reason for another
    share: of the time that saving may take, so that large models are not saved all the time
    The end of the run, and a stop that was asked for, are always saved.
    """

    seconds: float = 60.0
    epoch_seconds: float = 1.0
    share: float = 0.1


@dataclass(frozen=True)
class Keep:
    """save: called between two steps; what it raises as RunError costs nothing but this checkpoint."""

    save: Callable[[Snapshot], None]
    pace: Pace = Pace()


class Loop:
    """The state of a run between steps. at: where it stands; best: the best epoch's weights, on the host."""

    def __init__(
        self,
        job: Job,
        metric: str,
        store: MutableMapping[str, Array],
        stepper: Stepper,
        scorer: Executor,
        progress: Progress,
        best: dict[str, Array],
        on_event: Callable[[Event], None],
        keep: Keep | None,
        teaching: Teaching | None = None,
    ) -> None:
        self.job, self.metric, self.store, self.stepper, self.scorer = job, metric, store, stepper, scorer
        self.teaching = teaching
        self.at, self.best, self.on_event, self.keep = progress, best, on_event, keep
        self.pace = keep.pace if keep is not None else Pace()
        self.stopped = False
        settings = job.settings
        self.batches = batch_count(
            job.dataset.train,
            settings.batch,
            seed=settings.seed,
            tokens=settings.batch_tokens,
            unroll=settings.unroll,
        )
        self._require_examples(self.batches)
        self.steps = total_steps(settings, self.batches)
        self.saved_at, self.saving_seconds, self.told = perf_counter(), 0.0, False
        # From here the steps are made again where a number stops being finite.
        self.anchor = progress
        self.before: dict[str, Array] = {}
        self.carried = Carried(stepper.graph)
        self.carried_before: dict[str, Array] = {}

    def over(self) -> bool:
        epochs, steps = self.job.settings.epochs, self.job.settings.steps
        done = (epochs is not None and self.at.epoch >= epochs) or (steps is not None and self.at.step >= steps)
        return (self.at.batch == 0 and done) or self.early()

    def early(self) -> bool:
        """Whether `stop patience=` ends it."""
        patience, at = self.job.settings.patience, self.at
        return patience is not None and at.best_valid is not None and at.epoch - at.best_epoch >= patience

    def go(self, stop_asked: Callable[[], bool]) -> None:
        while not self.over():
            start = perf_counter()
            self._one_epoch(stop_asked)
            if not self.stopped:
                self._end_of_epoch(start)
                self.stopped = not self.over() and stop_asked()
            if self.stopped:
                self._save()
                return

    def _one_epoch(self, stop_asked: Callable[[], bool]) -> None:
        """The rest of it. Sets stopped where somebody asked for it."""
        self.anchor = self.at
        _copy_into(self.before, self.store)
        self.carried_before = self.carried.now
        last = self.job.settings.steps
        for batch in self._batches():
            if last is not None and self.at.step >= last:
                break
            step, at = self.at.step + 1, self.at
            if at.batch == 0:
                self.carried.begin(batch.sizes)
            feeds = self._feeds(batch, step)
            results = self.stepper.run(feeds, batch.sizes)
            loss = float(results["loss"])
            self.carried.hand_on(results)
            if not np.isfinite(loss):
                self._not_finite(step, loss)
            self.at = replace(
                at,
                step=step,
                batch=at.batch + 1,
                loss=at.loss + loss * batch.count,
                examples=at.examples + batch.count,
                lr=float(feeds["lr"]),
            )
            self.on_event(BatchDone(at.epoch + 1, self.at.batch, loss, batch.count, tokens_in(batch)))
            if stop_asked():
                self.stopped = True
                return
            if self._due(self.pace.seconds):
                self._save()

    def _end_of_epoch(self, start: float) -> None:
        self._require_finite()
        self._require_examples(self.at.examples)
        self.stepper.settle(self.at.step)
        valid = scored(self.job, self.scorer, self.job.dataset.valid)
        best = self._is_best(valid)
        done, loss = self.at.epoch + 1, self.at.loss / self.at.examples
        if best:
            weights_on_host(self.job, self.store, self.best)
        self.at = replace(
            self.at,
            epoch=done,
            batch=0,
            loss=0.0,
            examples=0,
            best_epoch=done if best else self.at.best_epoch,
            best_valid=valid if best else self.at.best_valid,
            plateau=self.at.plateau.after(self.job.settings.schedule, best),
        )
        self.on_event(EpochDone(done, loss, valid, best and valid is not None, perf_counter() - start, self.at.lr))
        if self.over() or self._due(self.pace.epoch_seconds):
            self._save()

    def _require_examples(self, some: int) -> None:
        """Words are left out by chance: of a short text it may be all of an epoch."""
        text = self.job.dataset.train.text
        if text is not None and not some:
            raise DataError(nothing_stays(text.windows, f"no two words of a line in epoch {self.at.epoch + 1}"))

    def _is_best(self, valid: Evaluation | None) -> bool:
        old = self.at.best_valid
        if valid is None or old is None:
            return True
        new_value, old_value = valid.value(self.metric), old.value(self.metric)
        return better(self.metric.rpartition(".")[2], new_value, old_value) or (
            new_value == old_value and better("loss", valid.loss, old.loss)
        )

    def _due(self, seconds: float) -> bool:
        return perf_counter() - self.saved_at >= max(seconds, self.saving_seconds / self.pace.share)

    def _save(self) -> None:
        if self.keep is None:
            return
        if self.at.batch:
            self._require_finite()
        start = perf_counter()
        store = {name: self.job.backend.to_host(values) for name, values in self.store.items()}
        try:
            carried = self.carried.now if self.at.batch else {}
            self.keep.save(Snapshot(self.at, store, {} if self.at.best_is_now else dict(self.best), carried))
        except RunError as error:
            if not self.told:
                self.on_event(NotSaved(error.diagnostics))
            self.told = True
        else:
            self.on_event(Saved(self.at.epoch, self.at.step))
        self.saved_at = perf_counter()
        self.saving_seconds = self.saved_at - start

    def _batches(self) -> Iterator[Batch]:
        """Those of this epoch that are still to come."""
        settings, at = self.job.settings, self.at
        return batches(
            self.job.dataset.train,
            settings.batch,
            order="train",
            seed=settings.seed,
            epoch=at.epoch,
            start=at.batch,
            augment=self.job.dataset.augment,
            dtype=float_dtype(self.stepper.graph),
            tokens=settings.batch_tokens,
            unroll=settings.unroll,
        )

    def _rate(self, step: int) -> float:
        return rate(self.job.settings, step, self.at.epoch, self.steps, self.at.plateau.factor)

    def _feeds(self, batch: Batch, step: int) -> dict[str, Array]:
        if self.teaching is not None:
            share = true_words(self.job.settings, step, self.steps, self.batches)
            batch = self.teaching.mixed(batch, step, share)
        numbers = {
            "rows": np.float64(batch.count),
            "lr": np.float64(self._rate(step)),
            "step": np.int64(step),
            "seed": np.int64(self.job.settings.seed),
        }
        return {**feeds_of(self.stepper.graph, batch), **numbers, **self.job.numbers, **self.carried.now}

    def _require_finite(self) -> None:
        if not all_finite(self.job.backend, self.store.values()):
            self._not_finite(self.at.step, None)

    def _not_finite(self, last: int, loss: float | None) -> NoReturn:
        """Go through the steps since the anchor again, and say where a number stopped being finite."""
        self.at, self.carried.now = self.anchor, self.carried_before
        for name, values in self.before.items():
            self.store[name][...] = values

        def steps() -> Iterator[tuple[int, Mapping[str, Array], Mapping[str, int]]]:
            for index, batch in enumerate(self._batches()):
                step = self.anchor.step + index + 1
                if self.anchor.batch + index == 0:
                    self.carried.begin(batch.sizes)
                yield step, self._feeds(batch, step), batch.sizes

        epoch = self.anchor.epoch + 1
        raise RunError(
            not_finite(self.stepper, self.store, steps(), last, epoch, loss, self.job.settings, self.carried.hand_on)
        )


def scored(job: Job, scorer: Executor, rows: Rows | None) -> Evaluation | None:
    if rows is None:
        return None
    return evaluate(scorer, job.network.heads, rows, job.dataset.tables, job.settings.batch)


def weights_on_host(job: Job, store: Mapping[str, Array], into: dict[str, Array]) -> dict[str, Array]:
    """The weights, copied; into the arrays that are there already."""
    weights = {p.name: job.backend.to_host(store[p.name]) for p in job.network.parameters}
    _copy_into(into, weights)
    return into


def _copy_into(copies: dict[str, Array], arrays: Mapping[str, Array]) -> None:
    for name, values in arrays.items():
        if name in copies:
            copies[name][...] = values
        else:
            copies[name] = values.copy()
