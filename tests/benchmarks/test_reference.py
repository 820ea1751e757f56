"""Engines are compared before they are timed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ours
from benchmarks.reference import Disagreement, Reference, compare
from benchmarks.workloads import WORKLOADS, Workload, batches, named
from compiler import pipeline
from dsl.errors import SpecError

G = {"w": np.array([1.0, -2.0], np.float32)}
FOUND = Reference({}, [G, G, G], [0.5, 0.4])


def test_compare_takes_what_agrees():
    compare(FOUND, FOUND)


def test_compare_refuses_a_gradient_that_differs_in_all_batches():
    other = {"w": np.array([1.0, -2.001], np.float32)}
    with pytest.raises(Disagreement, match="gradient of w"):
        compare(replace(FOUND, gradients=[other] * 3), FOUND)


def test_compare_takes_other_roundings_of_a_gradient_that_is_zero():
    ours_, other = ({**G, "b": np.array([x], np.float32)} for x in (1e-9, -2e-9))
    compare(Reference({}, [other] * 3, [0.5]), Reference({}, [ours_] * 3, [0.5]))
    other["b"] += np.float32(1e-6)
    with pytest.raises(Disagreement, match="gradient of b"):
        compare(Reference({}, [other] * 3, [0.5]), Reference({}, [ours_] * 3, [0.5]))


def test_compare_lets_one_batch_lie_beside_a_kink():
    other = {"w": np.array([1.0, -2.001], np.float32)}
    compare(replace(FOUND, gradients=[other, G, other]), FOUND)


def test_compare_refuses_a_gradient_that_is_no_number():
    other = {"w": np.array([1.0, np.nan], np.float32)}
    with pytest.raises(Disagreement):
        compare(replace(FOUND, gradients=[other] * 3), FOUND)


def test_compare_refuses_a_loss_that_goes_on_otherwise():
    with pytest.raises(Disagreement, match="after 1 steps"):
        compare(replace(FOUND, losses=[0.5, 0.41]), FOUND)


def test_our_step_writes_what_the_others_are_compared_with(tmp_path: Path):
    step = ours.make(named("xor"), "zipf", tmp_path)
    reference = Reference.read(tmp_path)
    compare(reference, reference)
    # The step goes on from where the comparison left it.
    assert step() != reference.losses[-1]
    assert step() == pytest.approx(reference.losses[-1], rel=0.05)
    # Another engine of ours finds the file and agrees with it.
    ours.make(named("xor"), "zipf", tmp_path)


def test_a_gradient_of_the_reference_is_the_slope_of_its_loss(tmp_path: Path):
    ours.make(named("xor"), "zipf", tmp_path)
    reference = Reference.read(tmp_path)
    w, g = dict(reference.weights), reference.gradients[0]

    def loss(hidden: np.ndarray) -> float:
        batch = batches(named("xor"), "zipf")[0]
        inner = np.tanh(batch["point"].astype(float) @ hidden + w["dense.bias"])
        score = (inner @ w["dense.2.weight"] + w["dense.2.bias"])[:, 0]
        return float(np.mean(np.logaddexp(0, score) - batch["odd"] * score))

    at = w["dense.weight"].astype(float)
    nudge = np.zeros_like(at)
    nudge[1, 2] = 1e-4
    slope = (loss(at + nudge) - loss(at - nudge)) / 2e-4
    assert g["dense.weight"][1, 2] == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_spec_of_a_workload_checks_or_lacks_a_word_that_is_not_there_yet(workload):
    missing = missing_words(workload)
    assert missing <= {"NN350"}
    if not missing:
        checked = pipeline.check(workload.spec, workload.name, sizes=workload.sizes)
        assert checked.train.batch == workload.batch
        assert {p.name for p in checked.network.ports} == {c.name for c in workload.columns}
        fed = {n.op.name for n in checked.network.training.inputs if n.op.kind == "data"}
        assert fed <= set(batches(workload, "zipf")[0])


def missing_words(workload: Workload) -> set[str]:
    """The codes of what check says."""
    try:
        pipeline.check(workload.spec, workload.name, sizes=workload.sizes)
    except SpecError as error:
        return {d.code for d in error.diagnostics}
    return set()


@pytest.mark.parametrize("ids", ["zipf", "uniform"])
def test_batches_have_no_padding_and_are_the_same_for_everybody(ids):
    lm = named("lm")
    first, again = batches(lm, ids), batches(lm, ids)
    assert len(first) >= 64
    assert all(b["text"].min() >= 1 and b["text"].max() < 10_000 for b in first)
    assert all((a["text"] == b["text"]).all() for a, b in zip(first, again, strict=True))


def test_words_drawn_as_in_texts_come_again_more_often():
    kinds = [len(np.unique(batches(named("textcnn"), ids)[0]["text"])) for ids in ("zipf", "uniform")]
    assert kinds[0] < 0.7 * kinds[1]
