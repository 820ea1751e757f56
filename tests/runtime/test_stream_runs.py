"""Runs over a stream: states that grow from window to window, memory that is told before, what an epoch begins with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dsl.errors import RunError
from runtime.events import BatchDone, Event, Started
from runtime.train import train
from tests import chosen
from tests.runtime.jobs import job

SPEC = """cell counting(x) state h { h' = 1e30 * h + 1 + 0 * linear(x) }
model m(text: words) -> next: next(text) {
  embed 3
  counting 2 stateful
  dense softmax
}
data { train "train.txt" ; valid 20% last }
train { sgd lr=0 ; batch 1 ; unroll 4 ; epochs 1 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.txt").write_text("a b c\n" * 20)
    return tmp_path


def test_number_that_overflows_from_window_to_window_is_found_where_it_does(folder: Path):
    with pytest.raises(RunError) as caught:
        train(job(SPEC, folder, chosen.backend()), lambda _: None)
    found = caught.value.diagnostics[0]
    # 1e30 a position is more than a float64 holds at the eleventh: in the third window of four.
    assert found.message == "the loss is nan at step 3, in epoch 1"
    assert found.span is not None
    assert found.span.snippet in ("counting 2 stateful", "dense softmax")


def test_each_epoch_begins_with_states_of_zero(folder: Path):
    spec = SPEC.replace("1e30 * h", "0.9 * h").replace("epochs 1", "epochs 2")
    losses: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, BatchDone):
            losses.append(event.loss)

    train(job(spec, folder, chosen.backend()), note)
    assert len(losses) == 32
    assert losses[:16] == losses[16:]
    assert losses[0] != losses[1]


def test_run_over_a_stream_tells_tokens(folder: Path):
    events: list[Event] = []
    train(job(SPEC.replace("1e30", "0.5"), folder, chosen.backend()), events.append)
    started = next(e for e in events if isinstance(e, Started))
    assert started.rows == {"train": 64, "valid": 16}
    assert started.batches == started.steps == 16
    assert [e.tokens for e in events if isinstance(e, BatchDone)] == [4] * 16
    assert np.isfinite(started.needed_bytes)
