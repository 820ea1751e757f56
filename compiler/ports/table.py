"""The sorts: a row for each, with its settings; which are for inputs, which for outputs."""

from __future__ import annotations

from compiler.ports import pairs
from compiler.signature import Setting, Signature
from compiler.sorts import (
    SUBWORDS,
)

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
    **pairs.MADE,
}
INPUTS = (
    *("words", "chars", SUBWORDS, "sentences", "sentence_pair"),
    *("word", "bag", "category", "real", "series", "image"),
)
OUTPUTS = (
    *("class", "real", "segments", "spans", "next", "previous", "word", "words", "chars", SUBWORDS, "copy", "penalty"),
    *pairs.MADE,
)
PER = {"category": False, "class": False, "segments": True, "spans": True}
"""The sorts that may be `per` an input, and whether they must."""
FOLLOWING = ("next", "previous")
