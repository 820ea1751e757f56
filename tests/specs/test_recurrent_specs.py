"""The recurrent specs that ship are trained: where their data are public ones, on rows like these."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import pytest

from nnc.training import prepared, recipe
from runtime.train import train
from tests import chosen
from tests.specs.training import SPECS

ASKS = {"HUM": "who", "LOC": "where", "NUM": "how many", "DESC": "what is"}


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with questions of four classes, which their first words tell."""
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(3)
    lines = [
        f"{label}\t{label}:x\t{asks} {' '.join(rng.choices('abcdefg', k=rng.randint(1, 9)))} ?\n"
        for label, asks in rng.choices([*ASKS.items()], k=150)
    ]
    (folder / "sentcls").mkdir()
    (folder / "sentcls" / "trec.train.tsv.gz").write_bytes(gzip.compress("".join(lines[:120]).encode()))
    (folder / "sentcls" / "trec.test.tsv").write_text("".join(lines[120:]), "utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["rnn_last.nn", "rnn_mean.nn", "cells.nn"])
def test_recurrent_spec_is_trained(spec: str, questions: Path):
    made = recipe(SPECS / spec, sets=("train.epochs=1",), seed=1, data_root=questions)
    result = train(prepared(made, made.read(made.check()), chosen.backend())[1], lambda event: None)
    assert result.test is not None
    assert math.isfinite(result.test.loss)


def test_spec_of_the_cells_has_every_cell_of_the_library_as_it_is_there():
    library = (Path(__file__).parents[2] / "dsl" / "library" / "cells.nn").read_text("utf-8")
    equations = library.partition("\n")[2].strip()
    assert equations in (SPECS / "cells.nn").read_text("utf-8")
