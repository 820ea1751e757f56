"""What a sort asks of the other inputs and outputs: a vocabulary to share, a text to be `per`, numbers to copy."""

from __future__ import annotations

from compiler.ports.sort import text_of
from compiler.ports.table import SORTS
from compiler.signature import Report
from compiler.sorts import (
    SUBWORDS,
    Category,
    Class,
    Copy,
    Following,
    Image,
    Port,
    Real,
    Segments,
    Tokens,
    asks_for_other_pieces,
    has_ids,
    vocabulary_word,
    word_of,
)
from dsl import ast
from dsl.errors import Diagnostic
from dsl.nearest import nearest


def shares(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
    """Whether what `vocabulary=` names has words of the same kind, and asks for them in the same way."""
    if not isinstance(port.sort, Tokens | Category) or port.sort.vocabulary is None:
        return True
    name = port.sort.vocabulary
    other = next((p for p in known if p.name == name), None)
    same_words = other is not None and vocabulary_word(other.sort) == vocabulary_word(port.sort)
    fits = other is not None and other is not port and has_ids(other) and same_words
    if other is None or not fits or not isinstance(other.sort, Tokens | Category):
        near = nearest(name, [p.name for p in known if p is not port])
        help = f"did you mean {near}?" if near else "name another input of the same sort"
        report(Diagnostic("NN307", f"there is no vocabulary of {name} to share", given[port.name].sort.span, help=help))
        return False
    if other.sort.vocabulary is not None:
        report(
            Diagnostic(
                "NN307",
                f"{name} shares a vocabulary itself",
                given[port.name].sort.span,
                help=f"write vocabulary={other.sort.vocabulary}",
            )
        )
        return False
    if asked := asks_for_other_pieces(port.sort, other.sort):
        message = f"{port.name} shares the pieces of {name}, and asks for others"
        report(Diagnostic("NN307", message, given[port.name].sort.span, help=f"ask as {name} does: {asked}"))
        return False
    return True


def has_numbers_to_copy(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
    """Whether what `copy` names is an input of numbers."""
    if not isinstance(port.sort, Copy):
        return True
    name, place = port.sort.of, given[port.name].sort.options[0].span
    inputs = {p.name: p.sort for p in known if not p.output}
    numbers = [n for n, sort in inputs.items() if isinstance(sort, Real | Image)]
    if name in numbers:
        return True
    near = nearest(name, numbers)
    message = f"there is no input {name} for {port.name} to copy"
    help = f"did you mean {near}?" if near else "name an input of real numbers or an image"
    if name in inputs:
        message = f"{name} is {word_of(inputs[name])}, and {port.name} copies numbers"
        help = f"the inputs of numbers are {', '.join(numbers)}" if numbers else "real and image are numbers"
    report(Diagnostic("NN546", message, place, help=help))
    return False


def is_per_text(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
    """Whether what `per` names is an input whose positions can be shared."""
    if port.per is None:
        return True
    cut = isinstance(port.sort, Segments)
    # The words of a bag have no order, and a document has sentences.
    inputs = [
        p for p in known if isinstance(p.sort, Tokens) and p.sort.unit not in ("bag", "sentences") and not p.output
    ]
    if not isinstance(port.sort, Following):
        # Nobody labels pieces that are yet to be learnt.
        inputs = [p for p in inputs if word_of(p.sort) != SUBWORDS]
    texts = [p.name for p in inputs if not cut or (isinstance(p.sort, Tokens) and p.sort.unit == "chars")]
    if port.per in texts:
        return True
    place = text_of(given[port.name].sort)
    assert place is not None
    other = next((p for p in known if p.name == port.per and not p.output), None)
    if other is None:
        message = f"there is no input {port.per} for {port.name} to have values for"
        names = [p.name for p in known if not p.output]
        near = nearest(port.per, names)
        help = f"did you mean {near}?" if near else f"name an input: {', '.join(names)}"
        if port.per in SORTS and texts and not near:
            help = f"per takes an input's name, not its sort: {word_of(port.sort)} per {texts[0]}"
    elif isinstance(other.sort, Image):
        if isinstance(port.sort, Class):
            return True
        message = f"{word_of(port.sort)} per {port.per}: a picture has a class for each pixel, and nothing else"
        help = f"write class per {port.per}"
    else:
        message = f"{port.per} is {word_of(other.sort)}, which has no positions"
        if word_of(other.sort) == SUBWORDS:
            message = f"{port.per} is subwords, and the data have no value for each piece of a word"
        elif cut and other in inputs:
            message = f"{port.per} is {word_of(other.sort)}, and segments are made of characters"
        help = f"the texts are {', '.join(texts)}" if texts else f"name an input of {'' if cut else 'words or '}chars"
    report(Diagnostic("NN215", message, place.span, help=help))
    return False
