"""What a notebook shows of a run."""

from __future__ import annotations

from nnc.page import history_page


def epoch(number: int, **phase: str) -> dict[str, object]:
    return {**phase, "epoch": number, "loss": 0.5, "valid": None}


def test_the_best_epoch_is_marked():
    shown = history_page("run", [epoch(1), epoch(2)], 2, {}, "accuracy")
    assert "2 *" in shown
    assert "1 *" not in shown


def test_the_best_epoch_is_one_of_the_last_phase():
    epochs = [epoch(1, phase="first"), epoch(1, phase="second")]
    shown = history_page("run", epochs, 1, {}, "accuracy")
    assert "second 1 *" in shown
    assert "first 1" in shown
    assert "first 1 *" not in shown
