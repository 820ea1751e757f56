"""The learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from compiler.settings.train import Schedule, TrainSettings


@dataclass(frozen=True)
class Plateau:
    """What `schedule plateau` knows between epochs.

    factor: what lr has been multiplied by so far; waited: epochs since the best one, or since factor last shrank
    """

    factor: float = 1.0
    waited: int = 0

    def after(self, schedule: Schedule, best: bool) -> Plateau:
        """After one more epoch. best: whether it was the best so far. PyTorch's ReduceLROnPlateau, its threshold 0."""
        if schedule.kind != "plateau" or best:
            return Plateau(self.factor, 0)
        if self.waited >= schedule.patience:
            return Plateau(self.factor * schedule.factor, 0)
        return Plateau(self.factor, self.waited + 1)


def total_steps(settings: TrainSettings, steps_an_epoch: int) -> int:
    """Steps of the whole run if nothing stops it early; of `batch tokens=` as many as its first epoch makes it."""
    of_epochs = None if settings.epochs is None else settings.epochs * steps_an_epoch
    return min(n for n in (of_epochs, settings.steps) if n is not None)


def rate(settings: TrainSettings, step: int, epoch: int, total: int, plateau: float = 1.0) -> float:
    """lr of one step.

    step: from 1, over all epochs; epoch: finished before it; total: `total_steps`; plateau: `Plateau.factor`
    Warm-up raises lr in equal parts, its last step having all of it; cosine and linear fall over the steps after.
    """
    schedule, lr = settings.schedule, settings.optimizer.lr
    warmup = schedule.warmup if schedule.warmup >= 1 else round(schedule.warmup * total)
    done = max(0, step - 1 - warmup) / max(1, total - warmup)
    match schedule.kind:
        case "constant":
            now = lr
        case "step":
            times = sum(epoch >= at for at in schedule.at)
            if schedule.start is not None:
                times += max(0, epoch - schedule.start + 1)
            now = lr * schedule.factor**times
        case "cosine":
            now = schedule.to + (lr - schedule.to) * (1 + math.cos(math.pi * min(1, done))) / 2
        case "linear":
            now = lr + (schedule.to - lr) * min(1, done)
        case "rsqrt":
            now = lr * math.sqrt(max(1, warmup) / max(step, warmup, 1))
        case "plateau":
            now = lr * plateau
        case "inverse":
            now = lr / (1 + schedule.decay * epoch)
    return now * min(1.0, step / warmup) if warmup else now


def true_words(settings: TrainSettings, step: int, total: int, batches: int) -> float:
    """The share of true words that `decode` is fed in one step. step: from 1; total: of the run; batches: an epoch"""
    teacher = settings.teacher
    whole = total if teacher.epochs is None else teacher.epochs * batches
    return teacher.start + (teacher.to - teacher.start) * min(1.0, (step - 1) / max(1, whole))
