"""What a text offers beside the ids of its tokens, where a layer asks for it: each with a vocabulary of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias


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

    @property
    def keep(self) -> None:
        """All that are seen often enough have ids."""

    @property
    def written(self) -> str:
        return f"embed ... n={self.n}"


@dataclass(frozen=True)
class Spelling:
    """`spelling { ... }`: the characters of each token, which the layers between the braces make a vector of.

    max: characters of a word; what is past it is cut
    min: how often a character must be seen in the different words of the training rows to get an id of its own
    marks: begin and end are put around each word
    """

    max: int = 32
    min: int = 1
    marks: bool = False

    unit: ClassVar[str] = "character"
    written: ClassVar[str] = "spelling"
    keep: ClassVar[None] = None

    @property
    def _more(self) -> str:
        limits = [f".{k}{v}" for k, v, usual in (("max", self.max, 32), ("min", self.min, 1)) if v != usual]
        return "".join(limits) + (".marks" if self.marks else "")

    def of(self, name: str) -> str:
        """As that of n-grams: what belongs to a port or owner of that name."""
        return f"{name}.spelling{self._more}"

    def letters(self, name: str) -> str:
        """The input with the characters of the words of a port of that name."""
        return f"{self.of(name)}.letters"

    def symbols(self, positions: str) -> tuple[str, str]:
        """The different words of a batch and their characters, of a text whose positions are `T` or `T.source`."""
        rest = positions.removeprefix("T") + self._more
        return f"W{rest}", f"K{rest}"


@dataclass(frozen=True)
class Sentence:
    """`each { ... }`: the words of each sentence of a document, which the layers between the braces make a vector of.

    lower, punctuation, min, keep: as the document's sort has them, of its words
    """

    lower: bool = False
    punctuation: bool = False
    min: int = 1
    keep: int | None = None

    unit: ClassVar[str] = "word"
    written: ClassVar[str] = "sentences"

    def of(self, name: str) -> str:
        """As that of n-grams: what belongs to a port or owner of that name."""
        return f"{name}.words"

    def letters(self, name: str) -> str:
        """The input with the words of the sentences of a port of that name."""
        return f"{name}.words.letters"

    def symbols(self, positions: str) -> tuple[str, str]:
        """The different sentences of a batch and their words, of a document whose sentences are `T` or `T.source`."""
        rest = positions.removeprefix("T")
        return f"W{rest}", f"K{rest}"


Apart: TypeAlias = Spelling | Sentence
"""What gives each different token of a batch a row of its own."""
View: TypeAlias = Ngrams | Apart


def base(name: str) -> str:
    """The port or owner whose view has that name; its own name, where it is none."""
    return name.partition(".")[0]


def is_view(name: str) -> bool:
    return "." in name
