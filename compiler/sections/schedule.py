"""`schedule`: what it takes, and how it is read."""

from __future__ import annotations

from compiler.sections.reading import Reading
from compiler.settings.train import Schedule
from compiler.signature import Resolved, Setting, Signature
from dsl import ast

TAKES: dict[str, tuple[str, ...]] = {
    "constant": ("warmup",),
    "step": ("from", "at", "factor", "warmup"),
    "cosine": ("to", "warmup"),
    "linear": ("to", "warmup"),
    "rsqrt": ("warmup",),
    "plateau": ("factor", "patience", "warmup"),
    "inverse": ("decay", "warmup"),
}
"""The settings of each kind; constant is what a schedule without a kind is."""
SCHEDULE = Signature(
    "schedule",
    "how lr changes while training: step, plateau and inverse by epochs, the others by steps",
    (
        Setting(
            "kind",
            "choice",
            "which; without one lr stays after the warm-up",
            choices=tuple(kind for kind in TAKES if kind != "constant"),
        ),
        Setting("from", "count", "of step: after this epoch, and each one after it, lr takes factor", low=1),
        Setting("at", "count", "of step: after these epochs lr takes factor", many=True, low=1),
        Setting("factor", "number", "of step, and of plateau (0.5): what lr is multiplied by", low=0, high=1),
        Setting("to", "number", "of cosine and linear: lr at the end, 0 if left out", low=0),
        Setting(
            "patience", "count", "of plateau: epochs without a better one before lr takes factor, 0 if left out", low=0
        ),
        Setting("decay", "number", "of inverse: lr / (1 + decay epochs)", low=0),
        Setting("warmup", "number", "steps in which lr rises to what it is, or 10% of all", low=0, high=1_000_000_000),
    ),
    ("kind",),
)

NEEDS: dict[str, tuple[str, ...]] = {
    "constant": ("warmup",),
    "step": ("factor",),
    "rsqrt": ("warmup",),
    "inverse": ("decay",),
}
EXAMPLES = {
    "constant": "schedule warmup=100",
    "step": "schedule step from=4 factor=0.5",
    "rsqrt": "schedule rsqrt warmup=1000",
    "inverse": "schedule inverse decay=0.05",
}


def schedule(entry: ast.Entry, settings: dict[str, Resolved], reading: Reading) -> Schedule:
    """What it says; errors for settings that are another kind's, and for those that its own kind lacks."""
    kind = settings["kind"] if isinstance(settings["kind"], str) else "constant"
    word = "schedule" if kind == "constant" else f"schedule {kind}"
    for argument in entry.arguments:
        if isinstance(argument, ast.Setting) and argument.key not in (*TAKES[kind], "kind"):
            takes = ", ".join(f"{key}=" for key in TAKES[kind])
            reading.error("NN401", f"{word} has no setting {argument.key}", argument.span, f"{word} takes: {takes}")
    for key in NEEDS.get(kind, ()):
        if settings[key] is None:
            reading.error("NN405", f"{word} needs {key}=", entry.span, EXAMPLES[kind])
    if kind == "step" and (settings["from"] is None) == (settings["at"] is None):
        reading.error("NN405", f"{word} needs one of from= and at=", entry.span, EXAMPLES[kind])
    warmup = settings["warmup"]
    if isinstance(warmup, float) and warmup >= 1 and not warmup.is_integer():
        reading.error("NN403", f"warmup is a number of steps, or a share of them, but is {warmup}", entry.span)
    elif isinstance(warmup, float) and warmup >= 1 and _is_share("warmup", entry):
        reading.error("NN404", "a warm-up is a share below 100% of all steps, or a number of steps", entry.span)
    if warmup == 0 and "warmup" in NEEDS.get(kind, ()):
        reading.error("NN404", f"{word} needs a warm-up of at least one step", entry.span, EXAMPLES[kind])

    def number(key: str, default: float) -> float:
        value = settings[key]
        return float(value) if isinstance(value, (int, float)) else default

    start, at, patience = settings["from"], settings["at"], settings["patience"]
    return Schedule(
        kind,  # pyright: ignore[reportArgumentType] - the table holds these words alone
        start=start if isinstance(start, int) else None,
        at=tuple(n for n in at if isinstance(n, int)) if isinstance(at, tuple) else (),
        factor=number("factor", 0.5),
        to=number("to", 0.0),
        patience=patience if isinstance(patience, int) else 0,
        decay=number("decay", 0.0),
        warmup=number("warmup", 0.0),
        span=entry.span,
    )


def _is_share(key: str, entry: ast.Entry) -> bool:
    """Whether the setting is written with `%`."""
    values = [v for a in entry.arguments if isinstance(a, ast.Setting) and a.key == key for v in a.values]
    return any(isinstance(value, ast.Number) and value.text.endswith("%") for value in values)
