"""A model's signature: its inputs and outputs with their sorts."""

from __future__ import annotations

from dataclasses import replace

from compiler import pair_ports
from compiler.layers.later import LATER_SORTS
from compiler.series import ahead, series
from compiler.signature import LATER_HELP, LATER_LABEL, Evaluate, Report, Resolved, Setting, Signature, resolve
from compiler.sort_sizes import image, number
from compiler.sorts import (
    PAIR,
    SUBWORDS,
    Category,
    Class,
    Copy,
    Document,
    Following,
    Follows,
    Image,
    Penalty,
    Pixels,
    Port,
    Real,
    Segments,
    Series,
    Sort,
    Spans,
    Tokens,
    Word,
    asks_for_other_pieces,
    has_ids,
    vocabulary_word,
    word_of,
)
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest

TOKENS = (
    Setting("lower", "flag", "in lower case"),
    Setting("punctuation", "flag", "punctuation at a word's ends is a token of its own"),
    Setting("min", "count", "how often a token must be seen in training to have an id of its own", 1, low=1),
    Setting("max", "count", "positions; what is past them is cut", low=1),
    Setting("keep", "count", "how many tokens have ids of their own, the most frequent ones", low=1),
    Setting("reverse", "flag", "the last token first"),
    Setting("marks", "flag", "begin and end are put around"),
    Setting("vocabulary", "name", "the input or output whose vocabulary this one shares"),
)
LEAST_OF_PAIR = 5
"""Positions: begin, a token, end, a token, end."""
OF_PAIR = (
    *(s for s in TOKENS if s.name not in ("max", "reverse", "marks")),
    Setting("max", "count", "positions, three of them marks; the longer text is cut first", low=LEAST_OF_PAIR),
)
OF_WORD = tuple(s for s in TOKENS if s.name in ("lower", "punctuation", "min", "keep", "vocabulary"))
SORTS: dict[str, Signature] = {
    "words": Signature("words", "text, split at white space", TOKENS),
    "chars": Signature("chars", "text, character by character", tuple(s for s in TOKENS if s.name != "punctuation")),
    SUBWORDS: Signature(
        SUBWORDS,
        "`subwords[8000]`: text in pieces of words, at most so many, learnt by byte pair encoding",
        (
            Setting("min", "count", "how often a character, or two pieces side by side, must be seen", 1, low=1),
            *(s for s in TOKENS if s.name not in ("punctuation", "min", "keep")),
        ),
    ),
    "sentences": Signature(
        "sentences",
        "a text, sentence by sentence, cut behind . ! ? and 。 ！ ？; `each { ... }` works on each of them",
        (
            *(s for s in TOKENS if s.name in ("lower", "punctuation", "min", "keep")),
            Setting("max", "count", "sentences; what is past them is cut", low=1),
        ),
    ),
    "sentence_pair": Signature(
        "sentence_pair", "two texts, or one: begin A end B end; its parts are .words and .segment", OF_PAIR
    ),
    "word": Signature("word", "one token; as an output, the token that is predicted", OF_WORD),
    "bag": Signature("bag", "`bag(word)`: a set of tokens, such as those around another", OF_WORD),
    "category": Signature(
        "category",
        "one of a closed set; `category per words`: one for each token of the input `words`",
        (
            Setting("min", "count", "how often a value must be seen in training to have an id of its own", 1, low=1),
            Setting("keep", "count", "how many values have ids of their own, the most frequent ones", low=1),
            Setting("vocabulary", "name", "the input whose values are this one's too"),
        ),
    ),
    "real": Signature(
        "real", "numbers, a column each", (Setting("standard", "flag", "mean 0 and deviation 1 by the training rows"),)
    ),
    "series": Signature(
        "series",
        "`series[12]`: the last values of a column of a time series; `series[48,3]`: of three columns, as a sequence",
        (Setting("standard", "flag", "mean 0 and deviation 1, of each column, by the training rows"),),
    ),
    "image": Signature("image", "a picture, image[height,width] or image[height,width,channels]; bytes over 255"),
    "class": Signature(
        "class", "one of the labels that the training rows have; `class per words`: one for each token of `words`"
    ),
    "segments": Signature(
        "segments", "`segments per text`: the words of a text of characters, between which the data have spaces"
    ),
    "spans": Signature("spans", "`spans per words`: stretches of tokens with a name, tagged BIO, IOB1 or BIOES"),
    "next": Signature(
        "next", "`next(text)`: for each token of an input, the one that follows; `next[24](y)`: of a series, what comes"
    ),
    "previous": Signature("previous", "`previous(text)`: for each token of an input, the one before"),
    "copy": Signature("copy", "`copy(x)`: the numbers of an input again; of a picture all its pixels"),
    "penalty": Signature("penalty", "a value without a target: its mean is added to the loss"),
    **pair_ports.MADE,
}
INPUTS = (
    *("words", "chars", SUBWORDS, "sentences", "sentence_pair"),
    *("word", "bag", "category", "real", "series", "image"),
)
OUTPUTS = (
    *("class", "real", "segments", "spans", "next", "previous", "word", "words", "chars", SUBWORDS, "copy", "penalty"),
    *pair_ports.MADE,
)
PER = {"category": False, "class": False, "segments": True, "spans": True}
"""The sorts that may be `per` an input, and whether they must."""
FOLLOWING = ("next", "previous")


def ports(model: ast.Model, evaluate: Evaluate, report: Report) -> tuple[Port, ...] | None:
    """The inputs, then the outputs; None where one was wrong, which has been reported."""
    found: list[Port | None] = []
    given: dict[str, ast.Port] = {}
    for output, side in ((False, model.inputs), (True, model.outputs)):
        for port in side:
            if port.name.id in given:
                first = given[port.name.id]
                note = Note(first.name.span, "given here")
                report(Diagnostic("NN302", f"{port.name.id} is given twice", port.name.span, notes=(note,)))
                found.append(None)
            given.setdefault(port.name.id, port)
            text = _text_of(port.sort)
            about = next((p for p in found if text is not None and p is not None and p.name == text.id), None)
            if output and port.sort.name.id in FOLLOWING and about is not None and isinstance(about.sort, Series):
                sort, per = ahead(port.sort, about.name, about.sort, evaluate, report), None
            else:
                sort = _sort(port.sort, output, evaluate, report)
                per = text.id if text is not None and not isinstance(sort, Follows) else None
            found.append(None if sort is None else Port(port.name.id, sort, output, port.name.span, per))
    known = [p for p in found if p is not None]
    good = len(known) == len(found) and all(
        _shares(p, known, given, report)
        and _is_per_text(p, known, given, report)
        and _has_numbers_to_copy(p, known, given, report)
        and pair_ports.is_of_pair(p, known, given, report)
        for p in known
    )
    good = good and pair_ports.stand_alone(known, report)
    return tuple(_of_its_input(p, known) for p in known) if good else None


def _sort(sort: ast.Sort, output: bool, evaluate: Evaluate, report: Report) -> Sort | None:
    word = sort.name.id
    if word in LATER_SORTS:
        message = f"the sort {word} is not there yet: {LATER_SORTS[word]}"
        report(Diagnostic("NN350", message, sort.name.span, LATER_LABEL, help=LATER_HELP))
        return None
    if word not in SORTS:
        near = nearest(word, [*SORTS, *LATER_SORTS])
        help = f"did you mean {near}?" if near else f"the sorts are {', '.join(SORTS)}"
        report(Diagnostic("NN306", f"there is no sort {word}", sort.name.span, "not known here", help=help))
        return None
    side = OUTPUTS if output else INPUTS
    if word not in side:
        kind = "output" if output else "input"
        message, help = f"{word} is no sort for an {kind}", f"an {kind} is one of {', '.join(side)}"
        if word == "image" and output:
            help = "a picture as its numbers is real[n], such as real[64] for 8 rows of 8: end with flatten"
            report(Diagnostic("NN350", f"{word} as an output is not there yet", sort.name.span, LATER_LABEL, help=help))
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
    if word in pair_ports.MADE:
        return pair_ports.sort_of(sort, evaluate, report)
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


def _text_of(sort: ast.Sort) -> ast.Name | ast.Word | None:
    """The input whose positions it has: behind `per`, or in the parentheses of `next(text)`."""
    if sort.name.id in pair_ports.MADE:
        return pair_ports.text_of(sort)
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
    if _text_of(sort) is None:
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
    report(Diagnostic("NN905", message, place, help="name an input: copy(x)"))
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


def _shares(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
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


def _has_numbers_to_copy(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
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
    report(Diagnostic("NN905", message, place, help=help))
    return False


def _of_its_input(port: Port, known: list[Port]) -> Port:
    """The port; one that copies with the number of numbers of its input, a class of each pixel with its picture."""
    if isinstance(port.sort, Class) and port.per is not None:
        picture = next(p.sort for p in known if p.name == port.per)
        if isinstance(picture, Image):
            return replace(port, sort=Pixels(port.per, picture.height, picture.width), per=None)
    if not isinstance(port.sort, Copy):
        return port
    of = next(p.sort for p in known if p.name == port.sort.of)
    assert isinstance(of, Real | Image)
    width = of.width if isinstance(of, Real) else of.height * of.width * of.channels
    return replace(port, sort=replace(port.sort, width=width))


def _is_per_text(port: Port, known: list[Port], given: dict[str, ast.Port], report: Report) -> bool:
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
    place = _text_of(given[port.name].sort)
    assert place is not None
    other = next((p for p in known if p.name == port.per and not p.output), None)
    if other is None:
        message = f"there is no input {port.per} for {port.name} to have a value for each token of"
        near = nearest(port.per, texts)
        help = f"did you mean {near}?" if near else "name an input of words or chars"
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
