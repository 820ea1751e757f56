"""Random `data` and `train` sections, and specs with a word exchanged."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from tests.proofs.random_files import Row

BREAKS = (
    "0",
    "-1",
    "0.5",
    "1.5",
    "7",
    "2",
    "x",
    "maxpool",
    "dense",
    "embed",
    "words",
    "class",
    "real",
    "}",
    "{",
    "=",
    "|",
)

Ports: TypeAlias = dict[str, tuple[str, Callable[[Row], object]]]
"""By name the sort, and what draws a value of it for a row."""


class Sections:
    """Draws what stands beside a model. made: outputs that stand in no file; valid: whether there are such rows"""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.inputs: Ports = {}
        self.outputs: Ports = {}
        self.made: dict[str, str] = {}
        self.valid = False

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, *of: str) -> str:
        return self.random.choice(of)

    def options(self, *of: str) -> str:
        chosen = [option for option in of if self.chance(0.25)]
        return f"({', '.join(chosen)})" if chosen else ""

    def data(self, train: str) -> str:
        entries = [train]
        for entry in ("valid 20%", "test 20%", "seed 3", "missing skip"):
            if self.chance(0.5):
                entries.append(entry)
        self.valid = "valid 20%" in entries
        return "data {\n" + "".join(f"  {e}\n" for e in entries) + "}\n"

    def train(self) -> str:
        rule = self.pick(
            "sgd lr=0.05", "sgd lr=0.01 momentum=0.9", "sgd lr=0.01 momentum=0.9 nesterov", "adagrad lr=0.05",
            "adagrad init=0.1", "adadelta", "rmsprop lr=0.001", "rmsprop momentum=0.5 lr=0.001", "adam",
            "adam betas=0.8,0.9", "adamw lr=0.01",
        )  # fmt: skip
        entries = [
            rule,
            self.pick("epochs 1", "epochs 2", "steps 3", "epochs 2 ; steps 3"),
            self.pick("batch 16", "batch 7"),
        ]
        if self.chance(0.2) and any(sort.startswith("words") for sort, _ in self.inputs.values()):
            entries[-1] = "batch tokens=30"
        kinds = " ".join(sort for sort, _ in self.outputs.values()) or "class"
        allowed = ["decay 0.001", "clip norm=1", "clip value=0.1", "clip weights=3", "seed 5"]
        allowed += ["smoothing 0.1", "classes balanced", "loss perceptron"] if "class" in kinds else []
        allowed += ["loss huber delta=1"] if "real" in kinds else []
        allowed += ["stop patience=1", "stop patience=2 metric=loss"] if self.valid or self.chance(0.05) else []
        allowed += ["loss y0=0.5", "loss y0=2 y1=0.1"] if len(self.outputs) > 1 or self.chance(0.05) else ["loss sum"]
        allowed += ["loss y0=1 small=0.1"] if "small" in self.made else []
        chosen: dict[str, str] = {}
        for entry in allowed:
            if self.chance(0.12):
                chosen[entry.split(" ")[0] if self.chance(0.95) else entry] = entry
        entries += chosen.values()
        if self.chance(0.3):
            entries.append(
                "schedule "
                + self.pick(
                    "step from=1 factor=0.5", "step at=1 factor=0.1", "cosine", "linear to=0.001", "rsqrt warmup=2",
                    "plateau", "plateau factor=0.3 patience=1", "inverse decay=0.1", "cosine warmup=10%", "warmup=2",
                )
            )  # fmt: skip
        return "train {\n" + "".join(f"  {e}\n" for e in entries) + "}\n"

    def broken(self, spec: str) -> str:
        """Sometimes with a word exchanged, left out or put in, or a line left out."""
        if self.chance(0.7):
            return spec
        lines = spec.splitlines()
        at = self.random.randrange(len(lines))
        words = lines[at].split(" ")
        place = self.random.randrange(len(words))
        match self.random.randrange(5):
            case 0:
                words = []
            case 1:
                del words[place]
            case 2:
                words.insert(place, self.pick(*BREAKS))
            case 3:
                words = lines[at - 1].split(" ")
            case _:
                words[place] = self.pick(*BREAKS)
        lines[at] = " ".join(words)
        return "\n".join(lines) + "\n"
