"""The language models and the encoder that ship are trained, on lines like those of the public data."""

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

LANGUAGE_MODELS = ("lm.nn", "char_lm.nn", "rnn_lm.nn", "nnlm.nn", "transformer_lm.nn")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(7)

    def write(name: str, count: int) -> None:
        lines = [" ".join(rng.choices(("the", "a", "company", "said", "N"), k=rng.randint(0, 9))) for _ in range(count)]
        (folder / "lm").mkdir(exist_ok=True)
        (folder / "lm" / f"{name}.txt.gz").write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))

    for name, count in (("ptb.train", 150), ("ptb.valid", 20), ("ptb.test", 15), ("tinyshakespeare", 100)):
        write(name, count)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("spec", LANGUAGE_MODELS)
def test_language_model_is_trained(spec: str, data: Path):
    made = recipe(SPECS / spec, sets=("train.steps=2",), seed=1, data_root=data)
    result = train(prepared(made, made.read(made.check()), chosen.backend())[1], lambda event: None)
    scored = result.test or result.valid
    assert scored is not None
    assert math.isfinite(scored.loss)
    assert scored.outputs[0].metrics["perplexity"] == pytest.approx(math.exp(scored.loss))


@pytest.mark.slow
def test_encoder_is_trained(tmp_path: Path):
    rng, words = random.Random(3), ("who", "was", "the", "first", "city", "of")
    lines = [f"{rng.choice('AB')}\tx\t{' '.join(rng.choices(words, k=rng.randint(1, 12)))}\n" for _ in range(120)]
    (tmp_path / "sentcls").mkdir()
    (tmp_path / "sentcls" / "trec.train.tsv.gz").write_bytes(gzip.compress("".join(lines).encode()))
    (tmp_path / "sentcls" / "trec.test.tsv").write_text("".join(lines[:20]))
    made = recipe(SPECS / "transformer_encoder.nn", sets=("train.steps=2",), seed=1, data_root=tmp_path)
    result = train(prepared(made, made.read(made.check()), chosen.backend())[1], lambda event: None)
    assert result.test is not None
    assert math.isfinite(result.test.loss)


def test_a_stream_is_learnt_on_a_device_as_on_the_host(tmp_path: Path):
    (tmp_path / "train.txt").write_text("a b c\nb a\n\nc c a b\n" * 3)
    (tmp_path / "m.nn").write_text(
        "model m(text: words) -> next: next(text) {\n  embed 4\n  lstm 3 layers=2 dropout=0.2 stateful\n"
        "  dense softmax\n}\n"
        'data { train "train.txt" ; valid 20% last }\ntrain { adam lr=0.05 ; batch 3 ; unroll 4 ; epochs 2 }\n'
    )
    made = recipe(tmp_path / "m.nn", seed=1)
    dataset = made.read(made.check())
    jobs = (prepared(made, dataset, backend)[1] for backend in (numpy_backend(), strict_backend()))
    here, there = (train(job, lambda event: None) for job in jobs)
    for name, wanted in here.weights.items():
        np.testing.assert_allclose(there.weights[name], wanted, rtol=1e-4, atol=1e-6, err_msg=name)
