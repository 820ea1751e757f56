"""`nnc train [SPEC]`: from a spec to a trained, saved, scored model."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from compiler.experiment import Experiment
from compiler.sorts import Document, Tokens, owner
from compiler.written import followed
from dsl.errors import Diagnostic, SpecError
from dsl.render import show
from dsl.source import Span
from nnc.device import backend_of
from nnc.examples import example_of, file_of, prompt_of
from nnc.failure import FAILED, colored, print_diagnostics
from nnc.folds import fold_lines, fold_results
from nnc.json_events import JsonLines
from nnc.machine import KERNELS
from nnc.plain import Plain, Screen
from nnc.rehearsal import rehearsed
from nnc.report import Header, json_of, model_lines, summary
from nnc.run_events import Afresh, Ended, Noted, PartBegun, Resumed, RunEvent, Warned
from nnc.run_folder import LOG, folder_of_run
from nnc.run_log import RunLog
from nnc.runs import Run, run_all
from nnc.spec_files import DEFAULT_SPEC, shipped_folder
from nnc.stopping import Stop, listening
from nnc.training import no_data, recipe
from runtime.events import NotSaved, TrainResult
from runtime.loop import Pace
from runtime.threads import GIVEN, cores


@dataclass(frozen=True)
class Options:
    """As on the command line; pace is not on it."""

    out: Path | None = None
    overwrite: bool = False
    sets: tuple[str, ...] = ()
    seed: int | None = None
    device: str = "auto"
    data_root: Path | None = None
    as_json: bool = False
    optimized: bool = True
    resume: bool = False
    pace: Pace = field(default_factory=Pace)
    kernels: str | None = None


def run(spec: Path | None, options: Options) -> int:
    path = shipped_folder() / DEFAULT_SPEC if spec is None else spec
    made = recipe(path, sets=options.sets, seed=options.seed, data_root=options.data_root, optimized=options.optimized)
    experiment = made.check()
    print_diagnostics(experiment.warnings, sys.stderr)
    if experiment.data is None:
        raise SpecError(no_data(path))
    backend = backend_of(options.device, options.kernels)
    folds = experiment.data.folds
    # Data that are wrong are refused before there is a folder.
    first = None
    if not options.resume:
        first = rehearsed(made, experiment, None if folds is None else 0)
    screen = screen_for(options.as_json)
    try:
        with (
            folder_of_run(options.out, path.stem, resume=options.resume, overwrite=options.overwrite) as folder,
            listening() as stop,
        ):
            again = resume_command(spec, options, folder)
            teller = Teller(path, folder, again, folds is not None, options.as_json, screen, stop)
            if first is not None:
                teller.warn(first.warnings)
            results = run_all(Run(made, folder, teller.event, stop.asked, options.resume, options.pace, backend, first))
            if any(result.stopped for result in results):
                return stop.exit_code or 130
            if folds is not None:
                _end_of_folds(results, folds, folder, options.as_json, screen)
            return 0
    finally:
        screen.end(())


def resume_command(spec: Path | None, options: Options, folder: Path) -> str:
    """What to type to go on with a run."""
    parts = ["nnc", "train", *([] if spec is None else [str(spec)]), "--out", str(folder), "--resume"]
    for each in options.sets:
        parts += ["--set", each]
    if options.seed is not None:
        parts += ["--seed", str(options.seed)]
    if options.data_root is not None:
        parts += ["--data-root", str(options.data_root)]
    parts += [] if options.optimized else ["--no-optimize"]
    parts += [] if options.device == "auto" else ["--device", options.device]
    parts += [] if options.kernels in (None, KERNELS[0]) else ["--kernels", options.kernels]
    parts += ["--threads", os.environ[GIVEN]] if os.environ.get(GIVEN) else []
    return " ".join(show(shlex.quote(part)) for part in parts)


def screen_for(as_json: bool) -> Screen:
    """With --json standard output holds a line of JSON an event."""
    out = sys.stdout
    if as_json:
        return JsonLines(out)
    if not out.isatty() or os.environ.get("TERM") == "dumb":
        return Plain(out)
    from rich.console import Console

    from nnc.console import Terminal

    return Terminal(Console(file=out, highlight=False, markup=False, emoji=False, no_color=not colored(out)))


@dataclass
class Teller:
    """Shows a run while it goes on.

    again: the command that goes on with it; told: warnings that need no second time, by code and place
    """

    path: Path
    folder: Path
    again: str
    folds: bool
    as_json: bool
    screen: Screen
    stop: Stop
    told: set[tuple[str, Span | None]] = field(default_factory=set[tuple[str, Span | None]])

    def event(self, event: RunEvent) -> None:
        try:
            self._show(event)
        except OSError:
            # Nobody can read it any more (`nnc train | head`): what is learnt so far is saved before we end.
            self.stop.exit_code = self.stop.exit_code or FAILED

    def warn(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        new = tuple(d for d in diagnostics if (d.code, d.span) not in self.told)
        self.told |= {(d.code, d.span) for d in new}
        if new:
            self.screen.pause()
            print_diagnostics(new, sys.stderr)

    def _show(self, event: RunEvent) -> None:
        match event:
            case PartBegun():
                self.screen.begin(_header(self.path, event))
            case Warned(diagnostics):
                self.warn(diagnostics)
            case NotSaved(diagnostics):
                self.warn(tuple(_not_saved(d) for d in diagnostics))
            case Noted(text):
                self.screen.note(text)
            case Afresh(folder):
                self.screen.note(f"{show(str(folder))} has no checkpoint yet: the run starts afresh")
            case Resumed(epoch, step):
                self.screen.note(f"checkpoint: {step} steps, {epoch} whole epochs")
            case Ended():
                self._ended(event)
            case _:
                self.screen.event(event)

    def _ended(self, ended: Ended) -> None:
        result, screen = ended.result, self.screen
        epochs = ended.model.experiment.train.epochs or result.epochs
        if result.stopped:
            screen.end(_stopped_lines(ended, self.again))
        elif self.as_json:
            screen.end(())
            if not self.folds and ended.path is not None:
                print(json.dumps(json_of(result, ended.path), ensure_ascii=False), flush=True)
        elif self.folds:
            screen.end(summary(result, epochs, screen.width())[:2])
        else:
            lead = [] if ended.new else ["this run was finished: there was nothing left to train"]
            screen.end((*lead, *summary(result, epochs, screen.width()), "", *_ending(ended, self.folder)))


def _not_saved(error: Diagnostic) -> Diagnostic:
    return Diagnostic(
        "NN817",
        f"no checkpoint could be written: {error.message}",
        help="training goes on and tries again; until then a run that is killed goes on from the checkpoint before",
        severity="warning",
    )


def _ending(ended: Ended, folder: Path) -> list[str]:
    assert ended.path is not None
    dataset = ended.dataset
    rows = dataset.test or dataset.valid or dataset.train
    if followed(ended.model.experiment.network) is not None:
        return model_lines(ended.path, folder, prompt_of(ended.model, rows), "generate")
    return model_lines(ended.path, folder, file_of(ended.model) or example_of(ended.model, rows))


def _end_of_folds(results: list[TrainResult], folds: int, folder: Path, as_json: bool, screen: Screen) -> None:
    """The test scores are the folds' mean. The log has no seconds: it is the same for every run of the spec."""
    whole = fold_results(results)
    log = RunLog(folder / LOG)
    log.add({name: value for name, value in whole.items() if name != "seconds"})
    log.flush()
    if as_json:
        screen.end(())
        print(json.dumps(whole, ensure_ascii=False), flush=True)
    else:
        screen.end(fold_lines(whole, folds, folder))


def _header(path: Path, begun: PartBegun) -> Header:
    experiment, tables = begun.experiment, begun.dataset.tables
    # The tokens of a document are the words of its sentences.
    texts = {
        p.sort.sentence.of(p.name) if isinstance(p.sort, Document) else owner(p)
        for p in experiment.network.inputs
        if isinstance(p.sort, Tokens)
    }
    return Header(
        file=path.name,
        labels=tuple(label for labels in tables.labels.values() for label in labels),
        tokens=sum(len(v.tokens) for name, v in tables.vocabularies.items() if name in texts),
        unit=_unit(experiment),
        backend=begun.backend.name,
        cores=cores(),
        title=begun.part.title,
        place=begun.part.place,
    )


def _unit(experiment: Experiment) -> str:
    units = {p.sort.unit for p in experiment.network.inputs if isinstance(p.sort, Tokens)}
    names = {"words": "words", "chars": "characters", "subwords": "pieces"}
    return names.get(units.pop(), "tokens") if len(units) == 1 else "tokens"


def _stopped_lines(ended: Ended, again: str) -> list[str]:
    """What was saved, as far as it is true, and how to go on."""
    result = ended.result
    done = f"stopped in epoch {result.epochs + 1} after step {result.step}"
    if ended.path is None:
        first = f"{done}, before the last of its phases; saved"
    elif result.valid is not None:
        first = f"{done}; saved the best epoch so far, {result.best_epoch}: {show(str(ended.path))}"
    else:
        which = f"epoch {result.best_epoch}" if result.epochs else "the weights as they are"
        first = f"{done}; saved {which}: {show(str(ended.path))}"
    return [first, f"go on:  {again}"]
