"""The specs of segments and spans that ship are trained, on rows like those of the public data."""

from __future__ import annotations

import gzip
import math
import random
from pathlib import Path

import numpy as np
import pytest

from nnc.training import prepared, recipe
from runtime.numpy_backend import numpy_backend
from runtime.train import train
from tests import chosen
from tests.runtime.strict_backend import strict_backend
from tests.specs.training import SPECS

TOKENS = (("a", "DT", "B-NP"), ("man", "NN", "I-NP"), ("sees", "VB", "B-VP"), ("it", "PR", "B-NP"), (".", ".", "O"))
CHARACTERS = (("王", "B-PER"), ("明", "I-PER"), ("在", "O"), ("京", "B-LOC"), ("说", "O"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(5)

    def write(name: str, text: str) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))

    def rows(of: tuple[tuple[str, ...], ...], count: int) -> str:
        every = [of[: rng.randint(1, len(of))] for _ in range(count)]
        return "\n".join("".join("\t".join(token) + "\n" for token in row) for row in every)

    for part, count in (("train", 80), ("test", 20)):
        write(f"chunk/conll2000.{part}.tsv.gz", rows(TOKENS, count))
        write(f"ner/msra_zh.{part}.tsv.gz", rows(CHARACTERS, count))
    for part, count in (("train", 80), ("dev", 20), ("test", 20)):
        write(f"pos/ud_ewt.{part}.tsv.gz", rows(tuple((token, tag) for token, tag, _ in TOKENS), count))
        lines = [" ".join(rng.choices(("中国", "人", "说话"), k=rng.randint(1, 6))) for _ in range(count)]
        write(f"cws/ud_zh_gsd.{part}.txt.gz", "\n".join(lines) + "\n")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["segmenter.nn", "entities.nn", "chunker.nn", "tagger.nn"])
def test_spec_of_tags_is_trained(spec: str, data: Path):
    made = recipe(SPECS / spec, sets=("train.epochs=2", "train.adam.lr=0.01"), seed=1, data_root=data)
    result = train(prepared(made, made.read(made.check()), chosen.backend())[1], lambda event: None)
    assert result.test is not None
    assert math.isfinite(result.test.loss)
    assert next(iter(result.test.outputs[0].metrics.values())) > 0


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["segmenter.nn", "entities.nn", "chunker.nn", "tagger.nn"])
def test_spec_of_tags_on_a_device_learns_what_it_does_on_the_host(spec: str, data: Path):
    made = recipe(SPECS / spec, sets=("train.steps=2",), seed=1, data_root=data)
    dataset = made.read(made.check())
    here, there = (
        train(prepared(made, dataset, backend)[1], lambda event: None)
        for backend in (numpy_backend(), strict_backend())
    )
    for weight, wanted in here.weights.items():
        np.testing.assert_allclose(there.weights[weight], wanted, rtol=1e-3, atol=1e-5, err_msg=weight)
    assert here.test is not None
    assert there.test is not None
    assert there.test.outputs[0].metrics == pytest.approx(here.test.outputs[0].metrics)
