"""Pairs of texts, and the outputs that are made from pairs of running text: `masked` and `follows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.signature import Evaluate, Report, Setting, Signature, resolve
from compiler.sorts import Following, Follows, Masked, Penalty, Port, is_pair, word_of
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest

RATE = 0.15
"""The share of tokens that Devlin et al. 2019 mask."""
MADE: dict[str, Signature] = {
    "masked": Signature(
        "masked",
        "`masked(pair)`: the tokens of a running text that stood where it is masked",
        (
            Setting(
                "rate",
                "number",
                "the share of its tokens that is masked, drawn anew each time",
                RATE,
                low=0,
                high=1,
                above=True,
                below=True,
            ),
        ),
    ),
    "follows": Signature("follows", "`follows(pair)`: whether the second text is the sentence after the first"),
}


def text_of(sort: ast.Sort) -> ast.Word | None:
    """The input in the parentheses of `masked(pair)`."""
    first = sort.options[0] if sort.options else None
    return first if isinstance(first, ast.Word) else None


def sort_of(sort: ast.Sort, evaluate: Evaluate, report: Report) -> Masked | Follows | None:
    word = sort.name.id
    if sort.sizes:
        report(Diagnostic("NN211", f"{word} has no such size", sort.span, help="real[13] and image[28,28] have sizes"))
        return None
    text = text_of(sort)
    if text is None:
        message = f"{word} does not say which text it is about"
        report(Diagnostic("NN217", message, sort.span, help=f"name an input: {word}(text)"))
        return None
    settings = resolve(MADE[word], sort.options[1:], sort.span, evaluate, lambda name: None, report)
    if settings is None:
        return None
    if word == "masked":
        rate = settings["rate"]
        assert isinstance(rate, (int, float))
        return Masked(float(rate))
    return Follows(text.id)


def is_of_pair(port: Port, known: Sequence[Port], given: Mapping[str, ast.Port], report: Report) -> bool:
    """Whether what `masked` and `follows` are made from is a pair of texts, and what `next` is made from is none."""
    if not isinstance(port.sort, Following | Masked | Follows):
        return True
    name = port.sort.pair if isinstance(port.sort, Follows) else port.per
    other = next((p for p in known if p.name == name and not p.output), None)
    place, word = text_of(given[port.name].sort), word_of(port.sort)
    assert place is not None
    if other is not None and is_pair(other.sort) != isinstance(port.sort, Following):
        return True
    if isinstance(port.sort, Following):
        message = f"{word} is made from a text of its own, and {name} is a sentence_pair"
        help = f"write {name}: words, or {port.name}: masked({name})"
    else:
        pairs = [p.name for p in known if is_pair(p.sort)]
        near = nearest(name or "", pairs) or (pairs[0] if pairs else None)
        help = f"did you mean {near}?" if near else f"write {name}: sentence_pair"
        is_ = "is no input" if other is None else f"is {word_of(other.sort)}"
        message = f"{word} is made from a sentence_pair, and {name} {is_}"
    report(Diagnostic("NN544", message, place.span, help=help))
    return False


def stand_alone(known: Sequence[Port], report: Report) -> bool:
    """Whether a running text that is masked, or whose sentences follow each other, is all that the model reads."""
    made = [p for p in known if isinstance(p.sort, Masked | Follows)]
    if not made:
        return True
    text = made[0].sort.pair if isinstance(made[0].sort, Follows) else made[0].per
    for other in known:
        if not isinstance(other.sort, Masked | Follows | Penalty) and other.name != text:
            message = f"{made[0].name} is made from running text, which has no {other.name} beside it"
            note = Note(made[0].span, "this is made from the text")
            help = "give it a model of its own: `train pretrain` and `train tune` run one after the other"
            report(Diagnostic("NN545", message, other.span, notes=(note,), help=help))
            return False
    return True
