"""The `train` section, each entry checked against its row of the table."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.sections.reading import Reading
from compiler.sections.train_entries import OPTIMIZERS, TRAIN
from compiler.settings.train import Clip, Loss, Optimizer, TrainSettings
from compiler.signature import Resolved
from dsl import ast
from dsl.errors import Note


def train_settings(section: ast.Section | None, names: Sequence[str], reading: Reading) -> TrainSettings:
    """The `train` section; defaults where there is none. names: the model's inputs and outputs."""
    if section is None:
        return TrainSettings()
    found = reading.entries(section, TRAIN, names)
    chosen = [word for word in found if any(o.word == word for o in OPTIMIZERS)]
    if len(chosen) > 1:
        first, second = found[chosen[0]][0], found[chosen[1]][0]
        reading.error(
            "NN603",
            f"{chosen[0]} and {chosen[1]}: a run has one optimizer",
            second.span,
            "leave one out",
            (Note(first.span, "the first one"),),
        )
    optimizer = _optimizer(chosen[0], *found[chosen[0]], reading) if chosen else Optimizer()
    clip = found["clip"][1] if "clip" in found else {}
    if "clip" in found and all(v is None for v in clip.values()):
        reading.error("NN405", "clip needs norm=, value= or weights=", found["clip"][0].span, "clip norm=5")
    stop = found.get("stop")
    metric = stop[1]["metric"] if stop is not None else None
    patience = stop[1]["patience"] if stop is not None else None

    def whole(word: str, key: str, default: int) -> int:
        value = found[word][1][key] if word in found else default
        return value if isinstance(value, int) else default

    def bound(key: str) -> float | None:
        value = clip.get(key)
        return float(value) if isinstance(value, (int, float)) else None

    decay = found["decay"][1]["x"] if "decay" in found else 0.0
    return TrainSettings(
        optimizer=optimizer,
        decay=float(decay) if isinstance(decay, (int, float)) else 0.0,
        batch=whole("batch", "size", 32),
        epochs=whole("epochs", "n", 10),
        clip=Clip(bound("norm"), bound("value"), bound("weights")),
        loss=Loss("perceptron") if "loss" in found else Loss(),
        patience=patience if isinstance(patience, int) else None,
        metric=metric if isinstance(metric, str) else None,
        seed=whole("seed", "n", 1),
        span=section.span,
        stop_span=stop[0].span if stop is not None else None,
    )


def _optimizer(word: str, entry: ast.Entry, settings: dict[str, Resolved], reading: Reading) -> Optimizer:
    values = {k: float(v) for k, v in settings.items() if isinstance(v, (int, float))}
    betas = settings.get("betas", (0.9, 0.999))
    if not isinstance(betas, tuple) or len(betas) != 2:
        reading.error(
            "NN403",
            f"betas are two numbers, but here {len(betas) if isinstance(betas, tuple) else 1}",
            entry.span,
            "betas=0.9,0.999",
        )
        betas = (0.9, 0.999)
    first, second = (float(b) if isinstance(b, (int, float)) else 0.9 for b in betas)
    default = Optimizer()
    return Optimizer(
        word,  # pyright: ignore[reportArgumentType] - the table holds these words alone
        values.get("lr", default.lr),
        momentum=values.get("momentum", 0.0),
        betas=(first, second),
        eps=values.get("eps", default.eps),
        init=values.get("init", 0.0),
        span=entry.span,
    )
