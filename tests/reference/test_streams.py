"""Truncated backpropagation through time against PyTorch: lanes, windows, states that go on, a last window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runtime.data.tokens import Sequences
from runtime.evaluate import evaluate
from runtime.events import BatchDone, Event
from runtime.execute import Executor
from runtime.job import Job
from runtime.train import train
from runtime.weights import initial_weights
from tests import chosen
from tests.runtime.jobs import job

torch = pytest.importorskip("torch")

LANES, UNROLL, SIZE = 3, 4, 5
SPEC = f"""model m(text: words) -> next: next(text) {{
  embed 6
  lstm {SIZE} layers=2 stateful
  dense softmax
}}
data {{ train "train.txt" ; test "test.txt" }}
train {{ sgd lr=2 ; batch {LANES} ; unroll {UNROLL} ; clip norm=0.25 ; epochs 2 }}
"""


@pytest.fixture
def made(tmp_path: Path) -> Job:
    words = np.random.default_rng(3).integers(0, 7, 55)
    lines = [" ".join(f"w{w}" for w in words[i : i + 5]) for i in range(0, 55, 5)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "test.txt").write_text("\n".join(lines[:4]) + "\n")
    return job(SPEC, tmp_path, chosen.backend())


class Theirs(torch.nn.Module):
    def __init__(self, ids: int, weights: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(ids, 6, padding_idx=0)
        self.lstm = torch.nn.LSTM(6, SIZE, num_layers=2)
        self.dense = torch.nn.Linear(SIZE, ids)
        self.double()
        with torch.no_grad():
            self.embed.weight.copy_(torch.tensor(weights["embed.weight"]))
            self.dense.weight.copy_(torch.tensor(weights["dense.weight"].T))
            self.dense.bias.copy_(torch.tensor(weights["dense.bias"]))
            for layer in range(2):
                # PyTorch's gates are i, f, g, o, and it has a second bias, which stays 0 here.
                for theirs, ours in (("ih", "weight_x"), ("hh", "weight_h")):
                    own = [weights[f"lstm.{layer + 1}.{gate}.{ours}"].T for gate in "ifgo"]
                    getattr(self.lstm, f"weight_{theirs}_l{layer}").copy_(torch.tensor(np.concatenate(own)))
                bias = [weights[f"lstm.{layer + 1}.{gate}.bias"] for gate in "ifgo"]
                getattr(self.lstm, f"bias_ih_l{layer}").copy_(torch.tensor(np.concatenate(bias)))
                getattr(self.lstm, f"bias_hh_l{layer}").zero_().requires_grad_(False)

    def forward(self, text, states):
        """text: [lanes, positions]"""
        out, states = self.lstm(self.embed(text.T), states)
        return self.dense(out).transpose(0, 1), states


def columns(rows) -> tuple[np.ndarray, np.ndarray]:
    text, following = rows.columns["text"], rows.columns["next"]
    assert isinstance(text, Sequences)
    assert isinstance(following, Sequences)
    return text.ids.astype(np.int64), following.ids.astype(np.int64)


def test_training_a_stream_is_what_pytorch_does(made: Job):
    text, following = columns(made.dataset.train)
    weights = {n: v.astype(np.float64) for n, v in initial_weights(made.network.parameters, made.settings.seed).items()}
    model = Theirs(made.network.parameters[0].type.shape[0], weights)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=2.0)
    assert len(text) == 66
    lanes = [torch.tensor(each.reshape(LANES, 22)) for each in (text, following)]
    wanted: list[float] = []
    for _ in range(2):
        states = None
        for start in range(0, 22, UNROLL):
            x, y = (lane[:, start : start + UNROLL] for lane in lanes)
            scores, states = model(x, states)
            states = tuple(s.detach() for s in states)
            loss = torch.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 0.25)
            optimizer.step()
            wanted.append(loss.item())
    found: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, BatchDone):
            found.append(event.loss)

    result = train(made, note)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    text, following = (torch.tensor(each)[None] for each in columns(made.dataset.test))
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(text, None)[0][0], following[0])
    assert result.test is not None
    assert result.test.rows == 24
    assert result.test.outputs[0].metrics["nats"] == pytest.approx(float(loss), rel=1e-9)
    assert result.test.outputs[0].metrics["perplexity"] == pytest.approx(float(loss.exp()), rel=1e-9)


@pytest.mark.parametrize("batch", [1, 2, 50])
def test_a_stream_is_scored_alike_whatever_the_windows(made: Job, batch: int):
    weights = {n: v.astype(np.float64) for n, v in initial_weights(made.network.parameters, 1).items()}
    scorer = Executor(chosen.backend(), made.evaluation, made.compile_bucket, weights)
    rows = made.dataset.train
    found = evaluate(scorer, made.network.heads, rows, made.dataset.tables, batch)
    text, following = (torch.tensor(each)[None] for each in columns(rows))
    model = Theirs(made.network.parameters[0].type.shape[0], weights)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(text, None)[0][0], following[0])
    assert found.loss == pytest.approx(float(loss), rel=1e-12)
