"""The `train` section, each entry checked against its row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compiler.sections.reading import Found, Reading
from compiler.sections.schedule import schedule
from compiler.sections.train_entries import OPTIMIZERS, TRAIN
from compiler.settings.train import UNROLL, Clip, Loss, Optimizer, Schedule, Teacher, TrainSettings
from compiler.signature import Resolved, Setting, Signature
from dsl import ast
from dsl.errors import Note
from dsl.source import Span


def train_settings(section: ast.Section | None, models: Sequence[ast.Model], reading: Reading) -> TrainSettings:
    """The `train` section; defaults where there is none. models: those that it may be of."""
    if section is None:
        return TrainSettings()
    names = _names(models)
    clear = replace(section, entries=tuple(e for e in section.entries if not _ambiguous(e, models, reading)))
    entries = _Entries(reading.entries(clear, TRAIN | {"loss": _loss_of(names)}), reading)
    return TrainSettings(
        optimizer=_optimizer(entries),
        decay=entries.number("decay", "x") or 0.0,
        batch=_batch(entries),
        batch_tokens=entries.count("batch", "tokens"),
        unroll=entries.count("unroll", "steps") or UNROLL,
        epochs=entries.count("epochs", "n") or (10 if entries.span("steps") is None else None),
        steps=entries.count("steps", "n"),
        schedule=schedule(*entries.found["schedule"], reading) if "schedule" in entries.found else Schedule(),
        clip=_clip(entries),
        loss=_loss(entries, names),
        layerwise=entries.number("layerwise", "factor") or 1.0,
        smoothing=entries.number("smoothing", "x") or 0.0,
        balanced="classes" in entries.found,
        teacher=_teacher(entries),
        patience=entries.count("stop", "patience"),
        metric=entries.word("stop", "metric"),
        seed=_seed(entries),
        span=section.span,
        stop_span=entries.span("stop"),
        batch_span=entries.span("batch"),
        unroll_span=entries.span("unroll"),
        layerwise_span=entries.span("layerwise"),
        smoothing_span=entries.span("smoothing"),
        balanced_span=entries.span("classes"),
    )


@dataclass(frozen=True)
class _Entries:
    """The entries that were found, and what they give: None for one that is not there, or for a setting left out."""

    found: Found
    reading: Reading

    def value(self, word: str, key: str) -> Resolved:
        return self.found[word][1][key] if word in self.found else None

    def count(self, word: str, key: str) -> int | None:
        value = self.value(word, key)
        return value if isinstance(value, int) else None

    def number(self, word: str, key: str) -> float | None:
        value = self.value(word, key)
        return float(value) if isinstance(value, (int, float)) else None

    def word(self, word: str, key: str) -> str | None:
        value = self.value(word, key)
        return value if isinstance(value, str) else None

    def span(self, word: str) -> Span | None:
        return self.found[word][0].span if word in self.found else None


def _seed(entries: _Entries) -> int:
    seed = entries.count("seed", "n")
    return 1 if seed is None else seed


def _batch(entries: _Entries) -> int:
    size, tokens = entries.count("batch", "size"), entries.count("batch", "tokens")
    if "batch" in entries.found and (size is None) == (tokens is None):
        place = entries.found["batch"][0].span
        if size is None:
            entries.reading.error("NN405", "batch needs a number of examples, or tokens=", place, "batch 32")
        else:
            message = f"batch {size} tokens={tokens}: a batch has so many examples or so many positions"
            entries.reading.error("NN605", message, place, f"batch {size}, or batch tokens={tokens}")
    return size or 32


def _clip(entries: _Entries) -> Clip:
    norm, value, weights = (entries.number("clip", key) for key in ("norm", "value", "weights"))
    if "clip" in entries.found and norm is None and value is None and weights is None:
        place = entries.found["clip"][0].span
        entries.reading.error("NN405", "clip needs norm=, value= or weights=", place, "clip norm=5")
    return Clip(norm, value, weights)


def _teacher(entries: _Entries) -> Teacher:
    start, to = (entries.number("teacher", key) for key in ("from", "to"))
    if "teacher" in entries.found and start is None and to is None:
        place = entries.found["teacher"][0].span
        entries.reading.error("NN405", "teacher needs from= or to=", place, "teacher from=1 to=0.5 epochs=10")
    first, last = (1.0 if share is None else share for share in (start, to))
    return Teacher(first, last, entries.count("teacher", "epochs"), entries.span("teacher"))


def _names(models: Sequence[ast.Model]) -> tuple[str, ...]:
    """What may stand in `loss` beside its own settings: outputs, and inputs, of which is said elsewhere that they have
    no loss to weigh."""
    names = dict.fromkeys(p.name.id for model in models for p in (*model.inputs, *model.outputs))
    return tuple(name for name in names if TRAIN["loss"].setting(name) is None)


def _ambiguous(entry: ast.Entry, models: Sequence[ast.Model], reading: Reading) -> bool:
    """Whether it is a `loss` with a key that is a setting and an output; then an error says so."""
    if entry.path[0].id != "loss":
        return False
    outputs = {p.name.id for model in models for p in model.outputs}
    keys = (a for a in entry.arguments if isinstance(a, ast.Setting) and TRAIN["loss"].setting(a.key) is not None)
    first = next((a for a in keys if a.key in outputs), None)
    if first is not None:
        message = f"{first.key} is a setting of loss and an output too: either could be meant"
        reading.error("NN410", message, first.span, "rename the output")
    return first is not None


def _loss_of(names: Sequence[str]) -> Signature:
    """`loss` also takes a number for each output, which is what its loss weighs."""
    row = TRAIN["loss"]
    outputs = (Setting(name, "number", "what the loss of this output weighs", low=0) for name in names)
    return replace(row, settings=(*row.settings, *outputs))


def _loss(entries: _Entries, names: Sequence[str]) -> Loss:
    if "loss" not in entries.found:
        return Loss()
    entry, kind = entries.found["loss"][0], entries.word("loss", "kind")
    weights = tuple((n, w) for n in names if (w := entries.number("loss", n)) is not None)
    summed = entries.value("loss", "sum") is True
    delta, margin, of = (*(entries.number("loss", key) for key in ("delta", "margin")), entries.word("loss", "of"))
    if kind is None and not weights and not summed and delta is None and margin is None and of is None:
        help = "loss huber, loss sum, or a weight for each of several outputs"
        entries.reading.error("NN405", "loss needs to say which", entry.span, help)
    for key, value, owner in (("delta", delta, "huber"), ("margin", margin, "contrastive")):
        if value is not None and kind != owner:
            help = f"write loss {owner} {key}=..." if kind is None else f"leave {key}= out"
            entries.reading.error("NN605", f"{key}= is a setting of loss {owner} alone", entry.span, help)
    if of is not None and kind is None:
        entries.reading.error("NN605", f"of={of} needs a loss that is for it", entry.span, f"loss huber of={of}")
    return Loss(
        kind or "auto",  # pyright: ignore[reportArgumentType] - the table holds these words alone
        delta=1.0 if delta is None else delta,
        margin=1.0 if margin is None else margin,
        of=of,
        sum=summed,
        weights=weights,
        span=entry.span,
    )


def _optimizer(entries: _Entries) -> Optimizer:
    reading = entries.reading
    chosen = [word for word in entries.found if any(o.word == word for o in OPTIMIZERS)]
    if not chosen:
        return Optimizer()
    word = chosen[0]
    entry, default = entries.found[word][0], Optimizer()
    if len(chosen) > 1:
        second = entries.found[chosen[1]][0]
        note = Note(entry.span, "the first one")
        reading.error(
            "NN603", f"{word} and {chosen[1]}: a run has one optimizer", second.span, "leave one out", (note,)
        )

    def number(key: str, left_out: float) -> float:
        value = entries.found[word][1].get(key)
        return float(value) if isinstance(value, (int, float)) else left_out

    betas = entries.found[word][1].get("betas", default.betas)
    if not isinstance(betas, tuple) or len(betas) != 2:
        many = len(betas) if isinstance(betas, tuple) else 1
        reading.error("NN403", f"betas are two numbers, but here {many}", entry.span, "betas=0.9,0.999")
        betas = default.betas
    first, second = (float(b) if isinstance(b, (int, float)) else 0.9 for b in betas)
    nesterov, momentum = entries.found[word][1].get("nesterov") is True, number("momentum", 0.0)
    if nesterov and not momentum:
        reading.error("NN405", "sgd nesterov needs momentum=", entry.span, "sgd momentum=0.9 nesterov")
    return Optimizer(
        word,  # pyright: ignore[reportArgumentType] - the table holds these words alone
        lr=number("lr", default.lr),
        momentum=momentum,
        nesterov=nesterov,
        betas=(first, second),
        rho=number("rho", default.rho),
        eps=number("eps", default.eps),
        init=number("init", 0.0),
        strict=entries.found[word][1].get("strict") is True,
        span=entry.span,
    )
