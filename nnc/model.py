"""A trained model: saved, opened, asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph
from compiler.settings.data import Missing
from compiler.sorts import Ahead, Port, is_written
from compiler.written import tells_next_alone
from dsl.errors import Diagnostic
from nnc.layers import signature_in_words, weights_in_words
from runtime.backend import Array, Backend
from runtime.data import Rows, Tables, encode, pictures, read_file
from runtime.data.in_memory import rows_of
from runtime.data.memory_rows import Given
from runtime.data.other_files import other_files
from runtime.data.part import Request
from runtime.data.problems import Problems
from runtime.decode import Speaker, without_texts
from runtime.evaluate import evaluate, require_room, run_rows
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend
from runtime.predict import Answer, answers

BATCH = 64
"""Rows that are predicted together."""


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: what beside the spec decided it, and where its data lay.

    sets, seed: as on the command line; fold: from 0, None without folds
    folder: the spec's; data_root: where `--data-root` pointed, None where it did not
    fingerprint: of the data
    """

    sets: tuple[str, ...] = ()
    seed: int | None = None
    fold: int | None = None
    folder: str = "."
    data_root: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Model:
    """A trained model.

    weights: by the parameters' names; metrics: as `train --json` gives them
    optimized: it is run with all passes; without them the results are the same, and come slower
    backend: what it is run on
    """

    experiment: Experiment
    tables: Tables
    weights: Mapping[str, Array]
    origin: Origin
    metrics: Mapping[str, Any]
    optimized: bool = True
    backend: Backend = field(default_factory=numpy_backend, compare=False, repr=False)

    def predict(self, examples: Given) -> list[Any]:
        """The label (or the number, or the numbers) for each example; of several outputs a dictionary. A language model
        goes on with each text to the end of its line.

        examples: a list of texts, of numbers, of tuples or dictionaries of the inputs; or a dictionary of columns
        Raises DataError for an example that does not fit the model's inputs.
        """
        if tells_next_alone(self.experiment.network):
            from nnc.writing import lines_continued, texts_of

            return list(lines_continued(self, texts_of(self, examples)))
        if any(isinstance(port.sort, Ahead) for port in self.ports):
            return self.forecast(examples)
        return [_only(found) for found in self.answers(self.rows(examples))]

    def forecast(self, history: Given, steps: int | None = None) -> list[Any]:
        """What comes after the last row of a time series, a row at a time: a number, or one for each of its columns.

        history: the columns of the series, oldest row first, and of the model's other inputs; rows behind the last
            with a value (the others NaN) say what is known of the future
        steps: rows; past what the model tells at once, its forecasts are what it looks at
        """
        from nnc.forecasting import of_columns

        return [_only(found) for found in of_columns(self, history, steps)]

    def predict_proba(self, examples: Given) -> list[Any]:
        """For each example, each label's probability, the likeliest first; of several outputs a dictionary of them.

        An output with a label for each token gives a list of such. One that has no probabilities, a perceptron's or a
        number, gives an empty one.
        """
        return [
            _only_of({name: answer.each for name, answer in found.items()})
            for found in self.answers(self.rows(examples))
        ]

    def generate(
        self,
        prompt: str = "",
        *,
        max: int | None = None,
        temperature: float | None = None,
        top: int | None = None,
        seed: int | None = None,
    ) -> str:
        """The prompt, and what a language model writes behind it.

        max: tokens that are written, line ends counted; temperature: 0 takes the likeliest each time, below 1 likely
        ones come more often; top: drawn from so many of the likeliest, 0 from all; seed: of what is drawn

        What is left out is as the spec's `predict` and `seed` say. RunError NN875: it writes none.
        """
        from nnc.writing import writer

        writing = writer(self, max=max, temperature=temperature, top=top, seed=seed)
        return prompt + "".join(writing.pieces(prompt))

    def evaluate(self, rows: Given | str | PathLike[str]) -> dict[str, Any]:
        """The scores on labelled rows, in memory or in a file: loss and metrics, as `nnc eval --json` gives them."""
        from nnc.translating import with_text_scores  # it imports this page

        if isinstance(rows, str | PathLike):
            encoded, _ = self.read([str(rows)], outputs_optional=False)
        else:
            encoded, _ = rows_of(self.ports, self.tables, rows, "rows", outputs_optional=False)
        network, batch = self.experiment.network, self.experiment.train.batch
        executor = self.executor(network.evaluation)
        require_room(executor, encoded, batch)
        found = with_text_scores(self, encoded, evaluate(executor, network.heads, encoded, self.tables, batch))
        return found.to_json() if found is not None else {}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model file: one file that `nnc.load` and `nnc predict` open, whole or not at all."""
        from nnc.opening import save_model  # it imports this page

        save_model(Path(path), self)

    def rows(self, examples: Given) -> Rows:
        """Examples of a program, encoded."""
        if isinstance(examples, str):
            examples = [examples]
        return rows_of(self.ports, self.tables, examples, "examples", outputs_optional=True)[0]

    def encode(
        self,
        examples: Sequence[Sequence[str]],
        source: str = "input",
        first_line: int = 1,
        warn: Callable[[Diagnostic], None] | None = None,
    ) -> Rows:
        """Examples from a command line or a stream: of each the fields of the inputs. warn: is told of texts that are
        cut, and of categories that are not known"""
        return encode(self.ports, self.tables, examples, source=source, first_line=first_line, warn=warn)

    def read(self, files: Sequence[str], *, outputs_optional: bool) -> tuple[Rows, tuple[Diagnostic, ...]]:
        """The rows of other files, laid out as the training file is, and warnings.

        files: from the working directory; or NAME=FILE for each input and output
        outputs_optional: the outputs' columns may be absent, as for prediction
        """
        data = self.experiment.data
        entry = other_files(data, self.ports, files, outputs_optional=outputs_optional)
        # A row that is left out of a prediction would shift those behind it.
        missing: Missing = data.missing if data is not None and not outputs_optional else "error"
        form = data.format if data else None
        return read_file(
            self.ports,
            self.tables,
            entry,
            Path(),
            format=form,
            outputs_optional=outputs_optional,
            missing=missing,
            of=data.windows if data and not outputs_optional else None,
        )

    def pictures(self, folder: Path) -> list[Path]:
        """The files of the rows that `read` makes of a folder of pictures to predict."""
        entry = other_files(self.experiment.data, self.ports, (str(folder),), outputs_optional=True)
        return pictures.of_folder(folder, Request(self.ports, entry, Problems(), outputs_optional=True))

    def answers(self, rows: Rows) -> list[dict[str, Answer]]:
        """For each row, each output's answer."""
        network = self.experiment.network
        texts: dict[str, list[str]] = {}
        if any(map(is_written, network.outputs)):
            from nnc.translating import joined_texts, written_ids  # it imports this page

            texts = joined_texts(self, written_ids(self, rows))
        return self.answers_beside(rows, texts)

    def answers_beside(self, rows: Rows, texts: Mapping[str, list[str]]) -> list[dict[str, Answer]]:
        """The same, where the texts are written already. texts: of each output that is one"""
        network = self.experiment.network
        rows = without_texts(rows) if texts else rows
        others = tuple(o for o in network.prediction.outputs if o.name.partition(".")[0] not in texts)
        results: dict[str, Array] = {}
        if others:
            executor = self.executor(Graph(network.prediction.inputs, others))
            require_room(executor, rows, BATCH)
            results = run_rows(executor, rows, BATCH, self.tables)
        return answers(results, network.heads, self.tables, rows, texts)

    @cached_property
    def decoders(self) -> dict[str, Speaker]:
        """What writes each text. Whoever writes takes another of them, which has the same programs."""
        from nnc.translating import speaker  # it imports this page

        return {port.name: speaker(self, port) for port in filter(is_written, self.experiment.network.outputs)}

    def executor(self, graph: Graph) -> Executor:
        run = pipeline.optimize(graph) if self.optimized else pipeline.as_lowered(graph)
        weights = {name: self.backend.to_device(values) for name, values in self.weights.items()}
        return Executor(
            self.backend, run, pipeline.compiler_for(self.backend.native is not None, self.backend.threads), weights
        )

    def __repr__(self) -> str:
        network = self.experiment.network
        return f"<Model {network.name}: {signature_in_words(network)}, {weights_in_words(network)}>"

    def _repr_html_(self) -> str:
        from nnc.page import model_page

        return model_page(f"model of {self.experiment.file}", self.experiment, self.scores)

    def __reduce__(self) -> tuple[Callable[[bytes], Model], tuple[bytes]]:
        """Copied and sent to other processes as the bytes of its model file: a graph may be deeper than pickle goes."""
        from nnc.opening import model_bytes, model_of_bytes

        return model_of_bytes, (model_bytes(self),)

    @property
    def scores(self) -> dict[str, Any]:
        """Of the rows that chose and that tested it, where there were some."""
        return {part: self.metrics[part] for part in ("train", "valid", "test") if self.metrics.get(part)}

    @property
    def ports(self) -> tuple[Port, ...]:
        return self.experiment.network.ports


def _only(found: Mapping[str, Answer]) -> Any:
    return _only_of({name: answer.value for name, answer in found.items()})


def _only_of(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values)
