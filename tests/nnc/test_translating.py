"""What a decoder expects step by step is what it expects of the text that it has written, read as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.ir.graph import Input
from compiler.sorts import is_written, sequence_symbol_of
from compiler.step import Step
from compiler.written import decoder_step
from nnc.model import Model
from nnc.translating import speaker
from runtime.data import batches
from runtime.decode import Anew, Stepped, without_texts
from tests.nnc.translators import DECODERS, MAX, spec, translator

STEPS = 20
"""More than there is room for at first."""


def both(model: Model) -> tuple[Stepped, Anew]:
    """By the step, and by reading the text anew."""
    port = next(filter(is_written, model.ports))
    stepped = speaker(model, port)
    assert isinstance(stepped, Stepped)
    whole = model.executor(model.experiment.network.prediction)
    return stepped, Anew(port, f"{port.name}.scores", whole, sequence_symbol_of(port, model.ports))


@pytest.mark.parametrize("name", DECODERS)
def test_decoder_steps_as_it_reads_the_prefix(name: str, tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS[name], MAX.get(name, "")))
    rows = without_texts(model.rows([("a b c",), ("c",), ("b a a c b a",)]))
    stepped, anew = both(model)
    batch = next(batches(rows, 3, order="plain"))
    rng = np.random.default_rng(1)
    for each in (stepped, anew):
        each.begin(batch, 2)
    size = len(model.tables.vocabularies["target" if "target" in model.tables.vocabularies else "source"])
    for at in range(STEPS):
        ids = rng.integers(2, size, 6)
        found, wanted = stepped.expected(ids), anew.expected(ids)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5, err_msg=f"token {at}")
        if at % 3 == 1:
            parents = rng.integers(0, 2, 6) + np.repeat([0, 2, 4], 2)
            other = np.hstack([anew.text != anew.text[parents], np.ones((6, 1), np.bool_)])
            since = other.argmax(axis=1)
            stepped.follow(parents, since)
            anew.follow(parents, since)


def test_what_comes_from_the_source_alone_is_computed_once(tmp_path: Path):
    network = translator(tmp_path, spec(DECODERS["transformer"])).experiment.network
    step = decoder_step(network, network.outputs[0])
    assert isinstance(step, Step)
    # Keys and values of both layers: of the text, which grow, and of the memory, which are kept.
    assert len(step.grows) == len(step.kept) == 4
    fed = {n.op.name for n in step.graph.inputs if isinstance(n.op, Input) and n.op.kind in ("data", "lengths")}
    assert fed == {"target.before", "lengths.T", "lengths.T.target"}


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_programs_of_a_model_are_made_once_for_all_texts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = translator(tmp_path, spec(DECODERS[name], MAX.get(name, "")))
    first = model.predict(["a b c", "c"])

    def plan(*_: object) -> None:
        raise AssertionError("planned again")

    monkeypatch.setattr("compiler.plan.make.make_plan", plan)
    assert model.predict(["a b c", "c"]) == first
