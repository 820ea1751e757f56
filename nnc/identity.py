"""What makes a run the run it is, as a checkpoint remembers it; and what of it differs from what is asked now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from typing import Any

from compiler.experiment import Experiment
from compiler.lower.mentions import pieces
from compiler.overrides import SET, overridden
from dsl import ast
from dsl.parse import parse
from dsl.render import show
from dsl.source import shown
from nnc.training import Recipe

MAY_CHANGE = frozenset({"epochs", "steps", "stop"})
"""Entries of `train` that say when to end: a run may go on with others. Rates that fall over the whole run follow the
new end from there on."""


def identity(recipe: Recipe, experiment: Experiment, fingerprint: str) -> dict[str, Any]:
    """JSON. spec: what decides the weights, piece by piece: where it stands, how it reads, a digest of its meaning.

    fingerprint: of the data
    """
    spec = overridden(parse(experiment.spec, shown(recipe.path)), recipe.sets, None)
    used = [[f'use "{path}"', "", _digest_of_text(text)] for path, text in experiment.uses]
    return {
        "spec": sorted([*used, *(list(piece) for piece in _decisive(spec))]),
        "sets": list(recipe.sets),
        "seed": experiment.train.seed,
        "data": fingerprint,
        "optimized": recipe.optimized,
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any], over: Sequence[str]) -> list[str]:
    """In words; empty where the run may go on. over: the phases that are behind it, of which nothing may change.

    Raises KeyError, TypeError or ValueError where `then` is nothing that identity made.
    """
    found: list[str] = []
    if then["data"] != now["data"]:
        found.append("the data files are not the same")
    if then["seed"] != now["seed"]:
        found.append(f"the seed was {int(then['seed'])} and is {now['seed']}")
    if bool(then["optimized"]) != now["optimized"]:
        found.append("--no-optimize was " + ("not given" if then["optimized"] else "given"))
    old, new = _fixed(then["spec"], over), _fixed(now["spec"], over)
    for where in sorted(old.keys() | new.keys()):
        if old.get(where, ("", ""))[1] != new.get(where, ("", ""))[1]:
            found.append(_change(where, old.get(where), new.get(where)))
    return found


def _fixed(spec: Sequence[Sequence[str]], over: Sequence[str]) -> dict[str, tuple[str, str]]:
    result: dict[str, tuple[str, str]] = {}
    for where, text, digest in spec:
        section, _, entry = where.rpartition(".")
        kind, _, name = section.partition(" ")
        if kind != "train" or entry not in MAY_CHANGE or name in over:
            result[where] = text, digest
    return result


def _change(where: str, old: tuple[str, str] | None, new: tuple[str, str] | None) -> str:
    section = where.rpartition(".")[0] or where
    if old is None or new is None:
        text = next(each for each in (old, new) if each is not None)[0]
        is_new = "is new" if old is None else "is no longer there"
        return f"{show(section)}: `{show(text)}` {is_new}" if text else f"{show(where)} {is_new}"
    if old[0] and new[0] and old[0] != new[0]:
        return f"{show(section)}: `{show(old[0])}` is now `{show(new[0])}`"
    return f"{show(where)} has changed"


def _decisive(spec: ast.Spec) -> Iterator[tuple[str, str, str]]:
    """What decides the weights: of the sections each entry by itself, all else as a whole."""
    for number, declaration in enumerate(spec.declarations):
        match declaration:
            case ast.Section(kind=kind, name=name, entries=entries):
                if kind.id in ("data", "train"):
                    section = kind.id if name is None else f"{kind.id} {name.id}"
                    yield from (
                        (f"{section}.{entry.path[0].id}", _written(entry), _digest(entry))
                        for entry in entries
                        # Compared by its value, which may also come from --seed.
                        if entry.path[0].id != "seed" or kind.id == "data"
                    )
            case ast.Use():
                pass
            case ast.Model() | ast.Block() | ast.Cell() | ast.Let():
                kind_of = type(declaration).__name__.lower()
                yield f"{kind_of} {declaration.name.id}", "", _digest(declaration)
            case _:
                yield f"part {number + 1}", "", _digest(declaration)


def _written(entry: ast.Entry) -> str:
    """As somebody wrote it, in the spec or after --set; of several lines the first."""
    typed = dict.fromkeys(piece.span.text for piece in pieces(entry) if piece.span.file == SET)
    return " ".join(typed) or entry.span.snippet.rstrip("; ")


def _digest(root: ast.Syntax) -> str:
    """Of what it says: the same for another layout, other comments, another file."""
    digest = sha256()
    for piece in pieces(root):
        digest.update(f"{type(piece).__name__}(".encode())
        for field in fields(piece):
            if field.name != "span":
                digest.update(f"{_outline(getattr(piece, field.name))},".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _outline(held: object) -> str:
    """A field without the pieces that it holds, which come by themselves."""
    if isinstance(held, tuple):
        return f"{len(held)}:{[None if isinstance(each, ast.Syntax) else each for each in held]!r}"
    return "." if isinstance(held, ast.Syntax) else repr(held)


def _digest_of_text(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
