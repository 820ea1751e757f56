"""What a trained language model needs to write: its step, or the whole graph where it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from compiler import pipeline
from compiler.ir.graph import Graph, Input
from compiler.sections.predict import MOST
from compiler.settings.predict import PredictSettings
from compiler.sorts import Tokens
from compiler.step import NoStep, Step
from compiler.written import in_words, step, written
from dsl.errors import Diagnostic
from dsl.render import show
from runtime.data.context import Layout
from runtime.data.detokenise import added
from runtime.data.memory_rows import Given, read_memory
from runtime.data.problems import Problems
from runtime.data.streams import LINE_END
from runtime.data.tokens import UNKNOWN
from runtime.generate import Reader, Stepper, continued
from runtime.stepping import Stepping, StepProgram

if TYPE_CHECKING:
    from nnc.model import Model

SHOWN = 5
"""Unknown tokens that are named."""


@dataclass(frozen=True)
class Writer:
    """A model that writes. step: how; where there is none, all that has been read is read again for each token."""

    layout: Layout
    reader: Reader
    settings: PredictSettings
    seed: int
    step: Step | NoStep

    @property
    def how(self) -> str:
        """How each token is computed, in one line."""
        limit = self.layout.limit
        return in_words(self.step) + (f"; past {limit} tokens the last {limit} are read anew" if limit else "")

    def unknown(self, prompt: str) -> tuple[str, ...]:
        """The prompt's tokens that the vocabulary lacks, each once."""
        return tuple(dict.fromkeys(t for t in self.layout.tokens(prompt) if self.layout.id(t) == UNKNOWN))

    def pieces(self, prompt: str, *, line: bool = False) -> Iterator[str]:
        """What follows the prompt, token by token, as it is written behind it. line: to the end of its line at most."""
        tokens = self.layout.tokens(prompt)
        self.reader.restart()
        self.reader.add(tokens)
        before = tokens[-1] if tokens and not prompt[-1:].isspace() else LINE_END
        for token in continued(self.reader, self.settings, self.seed):
            if line and token == LINE_END:
                return
            yield added(self.layout.sort, before, token)
            before = token


def writer(
    model: Model,
    *,
    max: int | None = None,
    temperature: float | None = None,
    top: int | None = None,
    seed: int | None = None,
) -> Writer:
    """What is None is as the spec says; a `top` alone, where the spec is greedy, draws at temperature 1.

    Raises RunError NN875 for a model that writes no text, ValueError for a setting that is out of its bounds.
    """
    experiment, network = model.experiment, model.experiment.network
    output, text = written(network)
    layout = Layout(text, network.ports, model.tables)
    found = step(network)
    stepper = _stepper(model, found, layout.symbol) if isinstance(found, Step) else None
    reader = Reader(layout, f"{output.name}.scores", model.executor(network.prediction), stepper)
    settings = _settings(experiment.predict, max, temperature, top)
    return Writer(layout, reader, settings, experiment.train.seed if seed is None else seed, found)


def _settings(spec: PredictSettings, max: int | None, temperature: float | None, top: int | None) -> PredictSettings:
    if max is not None and not 1 <= max <= MOST:
        raise ValueError(f"max is from 1 to {MOST:,}, not {max}")
    if temperature is not None and not (isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature is at least 0, not {temperature}")
    if top is not None and top < 0:
        raise ValueError(f"top is at least 0, not {top}")
    if temperature is None and top is not None and spec.temperature == 0:
        temperature = 1.0
    return PredictSettings(
        spec.temperature if temperature is None else float(temperature),
        spec.top if top is None else top,
        spec.max if max is None else max,
    )


def _stepper(model: Model, step: Step, positions: str) -> Stepper:
    start = {n: v.copy() for n, v in model.executor(step.start).run({}, {"B": 1}).items()} if step.start.outputs else {}
    return Stepper(stepping(model, step, positions), start)


def stepping(model: Model, step: Step, positions: str) -> Stepping:
    """What runs a step of the model. positions: the symbol of its text's"""
    backend = model.backend
    program = step_program(step, positions, pipeline.optimize if model.optimized else pipeline.as_lowered)
    weights = {name: backend.to_device(values) for name, values in model.weights.items()}
    return Stepping(backend, program, pipeline.compiler_for(backend.native is not None, backend.threads), weights)


def step_program(step: Step, positions: str, optimize: Callable[[Graph], Graph]) -> StepProgram:
    names = [
        tuple(n.op.name for n in nodes if isinstance(n.op, Input)) for nodes in (step.carried, step.grows, step.kept)
    ]
    return StepProgram(optimize(step.graph), *names, positions, step.counts)


def unknown_tokens(words: tuple[str, ...]) -> Diagnostic:
    """A warning about what the vocabulary lacks."""
    shown = ", ".join(show(word) for word in words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
    many, them = (
        (f"{len(words)} tokens of the prompt are", "them") if len(words) > 1 else ("a token of the prompt is", "it")
    )
    message = f"{many} not in the vocabulary: {shown}"
    return Diagnostic("NN876", message, help=f"the model reads {them} as unknown", severity="warning")


def lines_continued(model: Model, lines: Iterable[str]) -> Iterator[str]:
    """Each line with what the model writes behind it, to the line's end."""
    writing = writer(model)
    for line in lines:
        yield line + "".join(writing.pieces(line, line=True))


def texts_of(model: Model, examples: Given) -> list[str]:
    """The texts of examples in memory, given in any of the ways that rows are. Raises DataError for what is none."""
    _, text = written(model.experiment.network)
    problems = Problems()
    given = [examples] if isinstance(examples, str) else examples
    columns = read_memory(model.ports, given, "examples", problems, outputs_optional=True).columns
    problems.check()
    between = "" if isinstance(text.sort, Tokens) and text.sort.unit == "chars" else " "
    return columns.texts.get(text.name) or [between.join(tokens) for tokens in columns.lists.get(text.name, [])]
