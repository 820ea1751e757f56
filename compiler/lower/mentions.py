"""What a piece of a spec speaks of, without lowering it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from dsl import ast


def pieces(root: ast.Syntax) -> Iterator[ast.Syntax]:
    """The piece itself and everything inside it, in the order of the text, without recursion."""
    stack: list[ast.Syntax] = [root]
    while stack:
        piece = stack.pop()
        yield piece
        inner: list[ast.Syntax] = []
        for field in fields(piece):
            held = cast("object", getattr(piece, field.name))
            if isinstance(held, ast.Syntax):
                inner.append(held)
            elif isinstance(held, tuple):
                inner += [each for each in cast("tuple[object, ...]", held) if isinstance(each, ast.Syntax)]
        stack += reversed(inner)


def labels(root: ast.Syntax) -> Iterator[ast.Name]:
    """The labels that a statement gives, those in bodies of their own left out."""
    stack: list[ast.Syntax] = [root]
    while stack:
        piece = stack.pop()
        if isinstance(piece, ast.Layer) and piece.label is not None:
            yield piece.label
        for field in fields(piece):
            held = cast("object", getattr(piece, field.name))
            if isinstance(held, ast.Body):
                continue
            if isinstance(held, ast.Syntax):
                stack.append(held)
            elif isinstance(held, tuple):
                stack += [each for each in cast("tuple[object, ...]", held) if isinstance(each, ast.Syntax)]
