"""What a text offers beside the ids of its tokens, where a layer asks for it: each with a vocabulary of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Ngrams:
    """`embed 50 n=2`: at each position one id for n neighbouring tokens, in the order of the text.

    before: those that end at the position, not those that begin there
    min: how often they must be seen in the training rows to get an id of their own

    Past the text's ends stands nothing, which makes n-grams too: `(b, nothing)` is not `(a, b)`.
    """

    n: int
    before: bool = False
    min: int = 2

    def of(self, name: str) -> str:
        """What belongs to a port of that name, or to the vocabulary of that owner: no port has a dot in its name."""
        more = (".before" if self.before else "") + (f".min{self.min}" if self.min != Ngrams.min else "")
        return f"{name}.{self.n}grams{more}"

    @property
    def unit(self) -> str:
        """What one is called."""
        return f"{self.n}-gram"


View: TypeAlias = Ngrams


def base(name: str) -> str:
    """The port or owner whose view has that name; its own name, where it is none."""
    return name.partition(".")[0]


def is_view(name: str) -> bool:
    return "." in name
