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


def used_names(body: ast.Body) -> Iterator[tuple[ast.Name, ast.Layer | None]]:
    """Every name that stands where a value or layer may stand, with the layer whose callee it is."""
    stack: list[tuple[ast.Syntax, ast.Layer | None]] = [(body, None)]
    while stack:
        piece, layer = stack.pop()
        match piece:
            case ast.Name():
                yield piece, layer
            case ast.Layer():
                # The settings are no layers, but operands among them may be.
                inner = [piece.callee, *([piece.body] if piece.body is not None else [])]
                stack += [(each, piece if each is piece.callee else None) for each in reversed(inner)]
            case ast.Call():
                stack += [(operand.value, None) for operand in reversed(piece.operands)]
                stack.append((piece.name, layer))
            case ast.Sized():
                stack.append((piece.name, layer))
            case ast.Member():
                stack.append((piece.of, None))
            case ast.Assign():
                stack.append((piece.value, None))
            case ast.Negative():
                stack.append((piece.value, None))
            case ast.Binary():
                stack += [(piece.right, None), (piece.left, None)]
            case ast.Pipe():
                stack += [(piece.layer, None), (piece.value, None)]
            case ast.Body():
                stack += [(each, None) for each in reversed(piece.statements)]
            case _:
                pass
