"""The rate of each step: by the formula, and as PyTorch's schedulers have it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from compiler.settings.train import Optimizer, Schedule, TrainSettings
from runtime.schedule import Plateau, rate, total_steps

LR, STEPS, AN_EPOCH = 0.2, 40, 4
SCHEDULES = {
    "constant": Schedule(),
    "step from": Schedule("step", start=4, factor=0.5),
    "step at": Schedule("step", at=(3, 7), factor=0.1),
    "cosine": Schedule("cosine", to=0.01),
    "linear": Schedule("linear", to=0.01),
    "inverse": Schedule("inverse", decay=0.05),
}


def rates(schedule: Schedule) -> list[float]:
    settings = TrainSettings(optimizer=Optimizer(lr=LR), schedule=schedule, epochs=STEPS // AN_EPOCH)
    return [rate(settings, step, (step - 1) // AN_EPOCH, STEPS) for step in range(1, STEPS + 1)]


def by_epoch(schedule: Schedule) -> list[float]:
    return rates(schedule)[::AN_EPOCH]


def test_step_from_an_epoch_falls_after_it_and_each_one_after():
    assert by_epoch(SCHEDULES["step from"])[:7] == [LR, LR, LR, LR, LR / 2, LR / 4, LR / 8]


def test_step_at_epochs_falls_after_each_of_them():
    assert by_epoch(SCHEDULES["step at"]) == pytest.approx([LR] * 3 + [LR / 10] * 4 + [LR / 100] * 3)


def test_inverse_is_that_of_its_formula():
    assert by_epoch(SCHEDULES["inverse"]) == [LR / (1 + 0.05 * epoch) for epoch in range(10)]


def test_an_epoch_s_steps_have_one_rate_where_epochs_decide():
    for name in ("step from", "step at", "inverse"):
        found = rates(SCHEDULES[name])
        assert [found[i] == found[i - i % AN_EPOCH] for i in range(STEPS)] == [True] * STEPS


def test_rsqrt_rises_and_falls_as_in_its_paper():
    found = rates(Schedule("rsqrt", warmup=10))
    assert found == pytest.approx([LR * min(s / 10, math.sqrt(10 / s)) for s in range(1, STEPS + 1)])
    assert found[9] == max(found) == LR


@pytest.mark.parametrize("kind", ["constant", "cosine", "linear"])
def test_warm_up_rises_in_equal_parts_to_all_of_the_rate(kind):
    found = rates(Schedule(kind, warmup=8))
    assert found[:8] == pytest.approx([LR * s / 8 for s in range(1, 9)])
    assert found[8] == LR


def test_share_of_warm_up_is_that_of_all_steps():
    assert rates(Schedule("linear", warmup=0.2)) == rates(Schedule("linear", warmup=8))
    assert rates(Schedule("linear", warmup=1)) == rates(Schedule("linear", warmup=1 / STEPS))


def test_cosine_and_linear_fall_over_the_steps_after_the_warm_up():
    whole = rates(Schedule("linear", warmup=8, to=0.04))[8:]
    assert whole == pytest.approx([LR - (LR - 0.04) * i / 32 for i in range(32)])
    cosine = rates(Schedule("cosine", warmup=8, to=0.04))[8:]
    assert cosine == pytest.approx([0.04 + (LR - 0.04) * (1 + math.cos(math.pi * i / 32)) / 2 for i in range(32)])


def test_rate_past_the_last_step_stays_that_of_the_end():
    settings = TrainSettings(optimizer=Optimizer(lr=LR), schedule=Schedule("cosine", to=0.01))
    assert rate(settings, 3 * STEPS, 9, STEPS) == pytest.approx(0.01)


def test_warm_up_longer_than_the_run_is_all_of_it():
    assert rates(Schedule("cosine", warmup=80)) == pytest.approx([LR * s / 80 for s in range(1, STEPS + 1)])


def test_total_steps_are_those_of_the_first_limit():
    assert total_steps(TrainSettings(epochs=3), 7) == 21
    assert total_steps(TrainSettings(epochs=None, steps=5), 7) == 5
    assert total_steps(TrainSettings(epochs=3, steps=20), 7) == 20


def factors(schedule: Schedule, bests: str) -> list[float]:
    """The factor after each epoch, `b` for one that was the best so far."""
    state, found = Plateau(), []
    for letter in bests:
        state = state.after(schedule, letter == "b")
        found.append(state.factor)
    return found


def test_plateau_shrinks_the_rate_after_every_epoch_that_is_no_better():
    assert factors(Schedule("plateau", factor=0.5), "bb.b..") == [1, 1, 0.5, 0.5, 0.25, 0.125]


def test_plateau_bears_as_many_epochs_as_its_patience_says():
    assert factors(Schedule("plateau", factor=0.1, patience=2), "b..b......") == pytest.approx(
        [1, 1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01]
    )


def test_plateau_s_factor_multiplies_the_rate():
    settings = TrainSettings(optimizer=Optimizer(lr=LR), schedule=Schedule("plateau"))
    assert rate(settings, 9, 2, STEPS, 0.25) == LR / 4
    assert rate(replace(settings, schedule=Schedule()), 9, 2, STEPS, 0.25) == LR


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed: compared with the formulas alone")


def of_torch(torch, make, steps: int = STEPS) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    scheduler, found = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_cosine_is_torch_s(torch):
    found = of_torch(torch, lambda s, o: s.CosineAnnealingLR(o, STEPS, eta_min=0.01))
    assert rates(SCHEDULES["cosine"]) == pytest.approx(found, rel=1e-12)


def test_linear_is_torch_s(torch):
    found = of_torch(torch, lambda s, o: s.LinearLR(o, 1.0, 0.01 / LR, STEPS))
    assert rates(SCHEDULES["linear"]) == pytest.approx(found, rel=1e-12)


def test_step_at_epochs_is_torch_s(torch):
    found = of_torch(torch, lambda s, o: s.MultiStepLR(o, [3, 7], 0.1), STEPS // AN_EPOCH)
    assert by_epoch(SCHEDULES["step at"]) == pytest.approx(found, rel=1e-12)


def test_warm_up_and_cosine_are_torch_s(torch):
    def both(s, o):
        parts = [s.LinearLR(o, 1 / 8, 1.0, 7), s.CosineAnnealingLR(o, STEPS - 8)]
        return s.SequentialLR(o, parts, [8])

    assert rates(Schedule("cosine", warmup=8)) == pytest.approx(of_torch(torch, both), rel=1e-12)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau_is_torch_s(torch, patience):
    losses = [5, 4, 4, 4.5, 3, 3, 3, 3, 3, 2, 6, 6, 6, 6, 1]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, threshold=0)
    state, best = Plateau(), math.inf
    for loss in losses:
        state = state.after(Schedule("plateau", factor=0.5, patience=patience), loss < best)
        best = min(best, loss)
        scheduler.step(loss)
        assert LR * state.factor == pytest.approx(optimizer.param_groups[0]["lr"])
