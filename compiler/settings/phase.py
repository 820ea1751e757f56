"""What a `train` section says beside how it learns: where it starts, and what stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.source import Span


@dataclass(frozen=True)
class InitFrom:
    """`init from="runs/bert" only=encoder`: the weights of another run under labels of the same name.

    path: a run's folder or a model file, from the working directory; or a file of word vectors, as vectors= finds it
    free: it comes from the command line, where a file of vectors starts from the working directory as well
    only: these labels; all that both models have where it is empty
    """

    path: str
    only: tuple[str, ...]
    span: Span
    free: bool = False


@dataclass(frozen=True)
class Freeze:
    """`freeze emb encoder`: the labels whose weights are not trained."""

    labels: tuple[str, ...] = ()
    span: Span | None = None
