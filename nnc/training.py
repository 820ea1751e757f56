"""From a spec and its data to a trained model. Prints nothing: who calls is told by events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compiler import pipeline
from compiler.experiment import Experiment
from dsl.errors import Diagnostic, SpecError
from dsl.render import show
from dsl.source import shown
from nnc.auto import compiled_meanwhile, compiler_of, settled
from nnc.dictation import dictations
from nnc.initial import Beginning, begin
from nnc.initial import initial as initial_weights
from nnc.model import Model, Origin
from nnc.scores import scores_json
from nnc.spec_files import read_spec, use_reader
from nnc.translating import with_text_scores
from runtime.backend import Array, Backend
from runtime.class_weights import class_weights
from runtime.data import Dataset, read
from runtime.data.tags import legal_steps
from runtime.data.tokens import Vocabulary
from runtime.events import Event, TrainResult
from runtime.job import Job
from runtime.loop import Keep
from runtime.numpy_backend import numpy_backend
from runtime.progress import Snapshot
from runtime.train import train


@dataclass(frozen=True)
class Recipe:
    """A spec as it was read, and all that decides beside it what is trained.

    path: where the spec lies; its folder is where the spec's data and what it `use`s are looked for
    sets, seed, data_root: as on the command line; optimized: with all passes
    """

    path: Path
    text: bytes
    sets: tuple[str, ...] = ()
    seed: int | None = None
    data_root: Path | None = None
    optimized: bool = True

    @property
    def base(self) -> Path:
        """Where the files that the spec names are looked for."""
        return self.path.parent if self.data_root is None else self.data_root

    def check(self, sizes: Mapping[str, int] | None = None, phase: int = 0) -> Experiment:
        """sizes: those that data give, None before they are read; phase: which of `phases`."""
        return pipeline.check(
            self.text,
            shown(self.path),
            read_use=use_reader(self.path),
            sets=self.sets,
            sizes=sizes,
            seed=self.seed,
            phase=phase,
        )

    def phases(self) -> tuple[str, ...]:
        """The names of the `train` sections, which run in this order; "" for the nameless one."""
        return pipeline.phases(self.text, shown(self.path), sets=self.sets)

    def read(
        self, experiment: Experiment, fold: int | None = None, vocabularies: Mapping[str, Vocabulary] | None = None
    ) -> Dataset:
        """The data of its `data` section. Raises SpecError NN650 where it has none.

        vocabularies: those that weights which are copied speak of
        """
        if experiment.data is None:
            raise SpecError(no_data(self.path))
        return read(
            experiment.network.ports,
            experiment.data,
            self.path.parent,
            self.data_root,
            fold=fold,
            vocabularies=vocabularies,
        )


def recipe(
    path: Path,
    *,
    sets: tuple[str, ...] = (),
    seed: int | None = None,
    data_root: Path | None = None,
    optimized: bool = True,
) -> Recipe:
    """The recipe of a spec file."""
    return Recipe(path, read_spec(path), sets, seed, data_root, optimized)


def no_data(path: Path) -> Diagnostic:
    return Diagnostic(
        "NN650",
        f"{show(shown(path))} has no data section, so there is nothing to train on",
        help='add one: data { train "train.tsv" ; valid 10% }, or give the file with --set data.train=train.tsv',
    )


def _unsaid(text: str) -> None:
    pass


def prepared(
    recipe: Recipe,
    dataset: Dataset,
    backend: Backend | None = None,
    phase: int = 0,
    beginning: Beginning | None = None,
    *,
    resumed: bool = False,
    before: str | None = None,
    note: Callable[[str], None] = _unsaid,
) -> tuple[Experiment, Job]:
    """What there is to run, with the sizes that these rows give.

    beginning: what the weights start from, with whose vocabularies the rows were read; None for what the spec says
    resumed: the weights are those of a checkpoint; before: the name of the backend that computed them
    note: is told what the weights started from, and which kernels were there
    """
    experiment = recipe.check(dataset.tables.sizes(), phase)
    if beginning is None:
        beginning = begin(recipe.check(phase=phase), recipe.base)
    initial: dict[str, Array] = {}
    if not resumed:
        initial, notes = initial_weights(experiment, dataset.tables, beginning, recipe.path.parent, recipe.data_root)
        for each in notes:
            note(each)
    step = pipeline.training_step(experiment)
    optimize = pipeline.optimize if recipe.optimized else pipeline.as_lowered
    computes = numpy_backend() if backend is None else backend
    job = Job(
        network=experiment.network,
        settings=experiment.train,
        step=replace(step, graph=optimize(step.graph)),
        evaluation=optimize(experiment.network.evaluation),
        dataset=dataset,
        backend=computes,
        compile_bucket=compiler_of(computes, dataset.train),
        initial=initial,
        numbers={
            **class_weights(experiment.train, dataset.train, dataset.tables),
            **legal_steps(experiment.network.training, experiment.network.ports, dataset.tables.labels),
        },
        dictations=dictations(experiment, optimize),
    )
    chosen = settled(job, before)
    if chosen is not job and not resumed:
        note("computed by compiled kernels, which an earlier run has left")
    return experiment, chosen


def trained(
    recipe: Recipe,
    experiment: Experiment,
    job: Job,
    on_event: Callable[[Event], None],
    stop_asked: Callable[[], bool] = lambda: False,
    fold: int | None = None,
    *,
    keep: Keep | None = None,
    resume: Snapshot | None = None,
    score: bool = True,
) -> tuple[TrainResult, Model]:
    """Run a prepared job, to the model that is to be kept. Nothing is written but what `keep` writes."""
    with compiled_meanwhile(job):
        result = train(job, on_event, stop_asked, keep=keep, resume=resume, score=score)
    origin = Origin(
        sets=recipe.sets,
        seed=recipe.seed,
        fold=fold,
        folder=_remembered(recipe.path.parent) or ".",
        data_root=None if recipe.data_root is None else _remembered(recipe.data_root),
        fingerprint=job.dataset.fingerprint,
    )
    model = Model(experiment, job.dataset.tables, result.weights, origin, {})
    if score and not result.stopped:
        data = job.dataset
        valid, test = with_text_scores(model, data.valid, result.valid), with_text_scores(model, data.test, result.test)
        result = replace(result, valid=valid, test=test)
    return result, replace(model, metrics=_metrics(result))


def _remembered(folder: Path) -> str | None:
    """A folder as a model file can hold it: as text, so None for a name that is not UTF-8."""
    name = str(folder.resolve())
    return None if any("\ud800" <= character <= "\udfff" for character in name) else name


def _metrics(result: TrainResult) -> dict[str, Any]:
    return {"best_epoch": result.best_epoch, "valid": scores_json(result.valid), "test": scores_json(result.test)}
