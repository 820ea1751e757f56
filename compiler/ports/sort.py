"""One input's or output's sort by itself."""

from __future__ import annotations

from compiler.ports import pairs
from compiler.ports.series import series
from compiler.ports.sizes import image, number
from compiler.ports.table import FOLLOWING, INPUTS, OUTPUTS, PER, SORTS
from compiler.signature import Evaluate, Report, Resolved, resolve
from compiler.sorts import (
    PAIR,
    SUBWORDS,
    Category,
    Class,
    Copy,
    Document,
    Following,
    Penalty,
    Real,
    Segments,
    Sort,
    Spans,
    Tokens,
    Word,
)
from dsl import ast
from dsl.errors import Diagnostic
from dsl.nearest import nearest


def sort_of(sort: ast.Sort, output: bool, evaluate: Evaluate, report: Report) -> Sort | None:
    """None where it is wrong, which has been reported."""
    word = sort.name.id
    if word not in SORTS:
        near = nearest(word, list(SORTS))
        help = f"did you mean {near}?" if near else f"the sorts are {', '.join(SORTS)}"
        report(Diagnostic("NN306", f"there is no sort {word}", sort.name.span, "not known here", help=help))
        return None
    side = OUTPUTS if output else INPUTS
    if word not in side:
        kind = "output" if output else "input"
        message, help = f"{word} is no sort for an {kind}", f"an {kind} is one of {', '.join(side)}"
        if word == "image" and output:
            help = "a picture as its numbers is real[n], such as real[64] for 8 rows of 8: end with flatten"
            label = "a word of the language that this version does not have yet"
            report(Diagnostic("NN350", f"{word} as an output is not there yet", sort.name.span, label, help=help))
        else:
            report(Diagnostic("NN210", message, sort.span, help=help))
        return None
    if sort.per is not None and word not in PER:
        help = f"of these there is one for each position: {', '.join(PER)}"
        report(Diagnostic("NN210", f"{word} has no per", sort.per.span, help=help))
        return None
    if word in FOLLOWING:
        return _following(sort, report)
    if word == "copy":
        return _copy(sort, report)
    if word in pairs.MADE:
        return pairs.sort_of(sort, evaluate, report)
    if sort.per is None and PER.get(word):
        message = f"{word} does not say which text it is about"
        report(Diagnostic("NN217", message, sort.span, help=f"name an input: {word} per text"))
        return None
    options = sort.options
    if word == "bag":
        if not options or not (isinstance(options[0], ast.Word) and options[0].id == "word"):
            report(Diagnostic("NN590", "bag does not say what it holds", sort.span, help="write bag(word)"))
            return None
        options = options[1:]
    settings = resolve(SORTS[word], options, sort.span, evaluate, lambda name: None, report)
    if settings is None:
        return None
    if word == "image":
        return image(sort, evaluate, report)
    if word == "series":
        return series(sort, settings["standard"] is True, evaluate, report)
    width = number(sort, evaluate, report)
    if width is None:
        return None
    return _resolved(word, settings, width)


def text_of(sort: ast.Sort) -> ast.Name | ast.Word | None:
    """The input whose positions it has: behind `per`, or in the parentheses of `next(text)`."""
    if sort.name.id in pairs.MADE:
        return pairs.text_of(sort)
    if sort.name.id not in FOLLOWING:
        return sort.per
    only = sort.options[0] if len(sort.options) == 1 else None
    return only if isinstance(only, ast.Word) else None


def _following(sort: ast.Sort, report: Report) -> Following | None:
    word = sort.name.id
    if sort.sizes:
        help = f"of a text: {word}(text); of an input y: series[12], next[24](y)"
        report(Diagnostic("NN211", f"{word}[...] counts the rows of a series", sort.sizes[0].span, help=help))
        return None
    if text_of(sort) is None:
        message = f"{word} does not say which text it is about"
        report(Diagnostic("NN217", message, sort.span, help=f"name an input: {word}(text)"))
        return None
    return Following(word == "previous")


def _copy(sort: ast.Sort, report: Report) -> Copy | None:
    only = sort.options[0] if len(sort.options) == 1 else None
    if isinstance(only, ast.Word) and not sort.sizes:
        return Copy(only.id)
    place = sort.sizes[0].span if sort.sizes else sort.span
    message = "copy takes no sizes: it is as wide as its input" if sort.sizes else "copy does not say what it copies"
    report(Diagnostic("NN546", message, place, help="name an input: copy(x)"))
    return None


def _resolved(word: str, settings: dict[str, Resolved], width: int) -> Sort:
    if word == "class":
        return Class()
    if word == "penalty":
        return Penalty()
    if word == "segments":
        return Segments()
    if word == "spans":
        return Spans()
    if word == "real":
        return Real(width, settings["standard"] is True)
    least, most, kept, shares = (settings.get(k) for k in ("min", "max", "keep", "vocabulary"))
    min = least if isinstance(least, int) else 1
    keep = width if word == SUBWORDS else kept if isinstance(kept, int) else None
    vocabulary = shares if isinstance(shares, str) else None
    if word == "category":
        return Category(min, keep, vocabulary)
    lower, punctuation = settings["lower"] is True, settings.get("punctuation") is True
    if word == "word":
        return Word(min, keep, vocabulary, lower, punctuation)
    return (Document if word == "sentences" else Tokens)(
        unit=word,
        lower=lower,
        punctuation=punctuation,
        min=min,
        max=most if isinstance(most, int) else None,
        keep=keep,
        reverse=settings.get("reverse") is True,
        marks=settings.get("marks") is True or word == PAIR,
        vocabulary=vocabulary,
    )
