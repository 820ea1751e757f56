"""`teacher`: decode is fed words of its own while it learns, which are those that it would have written there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import nnc
from compiler import pipeline
from compiler.sorts import fed_name, is_written
from nnc import cli
from nnc.dictation import dictations
from nnc.failure import guarded
from nnc.model import Model
from runtime.backend import Array
from runtime.data import Batch, batches
from runtime.data.tokens import END
from runtime.execute import Arena
from runtime.numpy_backend import numpy_backend
from runtime.teaching import Teaching
from tests.compiler.lower.specs import diagnostics
from tests.kills.specs import contents
from tests.nnc.translators import DECODERS, MAX, PAIRS, spec, translator

TEACHER = "train { adam lr=0.01 ; batch 2 ; epochs 4 ; teacher from=0.5 to=0 epochs=2 }"


def teaching(model: Model, optimized: bool = True, seed: int = 3) -> Teaching:
    backend = numpy_backend()
    found = dictations(model.experiment, pipeline.optimize if optimized else pipeline.as_lowered)
    return Teaching(found, backend, pipeline.compile_bucket, model.weights, Arena(backend), seed)


def batch_of(model: Model) -> Batch:
    rows = [("a b c", "x y z"), ("b", "z"), ("c c a b a", "y y x z x y z")]
    named = [{"source": source, "target": target} for source, target in rows]
    return next(batches(model.rows(named), 3, order="plain"))


def expected(model: Model, batch: Batch) -> Array:
    """The whole graph's probabilities behind each position."""
    port = next(filter(is_written, model.ports))
    graph = model.experiment.network.prediction
    feeds = {n.op.name: batch.arrays[n.op.name] for n in graph.inputs if n.op.name in batch.arrays}  # type: ignore[attr-defined]
    return model.executor(graph).run(feeds, batch.sizes)[f"{port.name}.scores"]


@pytest.mark.parametrize("name", DECODERS)
def test_own_words_are_those_that_decode_expects_of_the_mixed_text(name: str, tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS[name], MAX.get(name, ""), TEACHER))
    batch = batch_of(model)
    mixed = teaching(model).mixed(batch, 1, 0.3)
    (fed,) = (fed_name(p) for p in model.ports if is_written(p))
    text, true = mixed.arrays[fed], batch.arrays[fed]
    own = text != true
    assert 2 <= own.sum() < (true > 0).sum()
    assert not own[true == 0].any()
    likeliest = expected(model, mixed)[:, :-1, END + 1 :].argmax(axis=2) + END + 1
    np.testing.assert_array_equal(text[:, 1:][own[:, 1:]], likeliest[own[:, 1:]])


def test_own_words_hang_on_the_step_and_the_seed_and_on_no_padding(tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS["additive, after the cell"], more=TEACHER))
    batch, found = batch_of(model), teaching(model)
    (fed,) = (fed_name(p) for p in model.ports if is_written(p))
    first = found.mixed(batch, 1, 0.4).arrays[fed]
    np.testing.assert_array_equal(first, found.mixed(batch, 1, 0.4).arrays[fed])
    np.testing.assert_array_equal(first, teaching(model, optimized=False).mixed(batch, 1, 0.4).arrays[fed])
    others = found.mixed(batch, 2, 0.4), teaching(model, seed=4).mixed(batch, 1, 0.4)
    assert all((first != other.arrays[fed]).any() for other in others)
    padded = np.pad(batch.arrays[fed], ((0, 0), (0, 5)))
    wider = replace(batch, arrays=batch.arrays | {fed: padded}, sizes=batch.sizes | {"T.target": padded.shape[1]})
    np.testing.assert_array_equal(found.mixed(wider, 1, 0.4).arrays[fed][:, : first.shape[1]], first)
    np.testing.assert_array_equal(found.mixed(batch, 1, 1.0).arrays[fed], batch.arrays[fed])


def test_run_with_own_words_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    (tmp_path / "m.nn").write_text(spec(DECODERS["pointer"], "vocabulary=source", TEACHER))

    def run(*options: str) -> int:
        return guarded(("train", "m.nn", *options), cli.run)

    assert run("--out", "run", "--set", "train.epochs=1") == 0
    assert run("--out", "run", "--resume") == 0
    assert run("--out", "whole") == 0
    assert contents(Path("run")) == contents(Path("whole"))
    assert run("--out", "true", "--set", "train.teacher.from=1", "--set", "train.teacher.to=1") == 0
    true, mixed = (nnc.load(run).weights["decode.dense.weight"] for run in ("true", "whole"))
    assert (true != mixed).any()


def test_table_that_own_words_are_looked_up_in_is_moved_as_a_whole():
    body = "embed 8 | lstm 8 as r\ndecode { embed 512 ; lstm(h=r.h, c=r.c) 8 ; dense softmax }"
    sizes = {"V.source": 300, "V.target": 300}
    steps = [
        pipeline.training_step(pipeline.check(spec(body, more=more), "m.nn", sizes=sizes)) for more in ("", TEACHER)
    ]
    assert [len(step.deferred) for step in steps] == [1, 0]


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("teacher", "NN405", "teacher needs from= or to="),
        ("teacher to=1.5", "NN404", "teacher to must be from 0 to 1"),
        ("teacher to=0.5", "NN609", "no output is a text that it writes"),
    ],
)
def test_teacher_that_means_nothing_is_told(entry: str, code: str, message: str):
    text = f"model m(text: words) -> y: class {{\nembed 4 ; mean ; dense softmax\n}}\ntrain {{ {entry} }}\n"
    (found,) = diagnostics(text)
    assert (found.code, message in found.message) == (code, True), found
