"""The sentiment data that ships: short reviews in three classes, made from templates with a fixed seed.

`python specs/sentiment/generate.py` writes train.tsv.gz, valid.tsv.gz and test.tsv.gz beside this file, always the same
texts.
A line is `polarity<TAB>sentence`; sentences are lower case, punctuation stands at the end of a word.

The label follows from the opinions in a sentence. "good" and "not bad" are praise, "bad" and "not good" are blame:
positive is praise alone, negative is blame alone, neutral is both ("not good, but not bad either") or none. So an
adjective says nothing about the label without the one or two words before it.

Test sentences come in pairs, on neighbouring lines, with the same words in another order and different labels, from
templates that train.tsv.gz and valid.tsv.gz never use. Whoever counts words gets half of them at most; whoever sees two
or three words at a time can get all: the opinions themselves ("not good", "quite bad") are worded as in training.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from gzip import compress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SEED = 20140825
TRAIN, VALID, TEST = 4200, 399, 600  # sentences: a multiple of 3 each, of 6 for the test's pairs
LABELS = ("positive", "negative", "neutral")


@dataclass(frozen=True)
class Topic:
    """What a review is about: nouns, the adjectives that fit them all, and sentences without an opinion."""

    things: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    plain: tuple[str, ...]
    scenes: tuple[str, ...]


PRAISE = ("good", "great", "nice", "lovely", "enjoyable", "impressive", "wonderful", "excellent")
BLAME = ("bad", "poor", "awful", "terrible", "weak", "disappointing", "unpleasant", "horrible")

# A topic: things / praise / blame / plain, beside the praise and blame that fit anything; then its scenes.
TOPICS_TEXT = """
soup pizza bread cake pasta sandwich / delicious tasty fresh / bland tasteless burnt / italian vegetarian seasonal
we ordered at noon and paid with cash / the table stood beside the window
my sister shared a plate with me / lunch is served from eleven to three

room lobby pool bathroom balcony kitchen / clean comfortable cosy / dirty shabby noisy / modern small large
we stayed for three nights in april / the key was at the front desk
our suitcase came with a taxi / the hotel is near the station

film plot ending script sequel documentary / gripping moving witty / boring predictable silly / french recent short
we sat in the last row / the cinema was half empty
it started at eight in the evening / the director was born in lisbon

novel chapter story translation essay biography / clever touching vivid / dull confusing clumsy / old long russian
i read it on the bus / the library has two copies
my uncle gave it to me in winter / it has about four hundred pages

phone screen keyboard camera laptop printer / reliable fast handy / slow fragile useless / black grey portable
it arrived by post on thursday / there was a cable in the box
i use it at work every morning / the old one belonged to my cousin

band musician concert song drummer orchestra / lively powerful charming / flat shrill sloppy / swedish local electric
the doors opened at seven / they played for two hours
we stood behind a group of students / the tickets were on my phone

journey seat carriage ferry bus flight / smooth safe convenient / late crowded bumpy / regional direct daily
we left from platform nine / the river runs along the road
a man across the aisle was reading / we changed once in the north

course lecture exercise handout exam seminar / helpful clear fair / vague unfair tedious / weekly optional online
thirty people signed up in autumn / the next one begins in october
we met in a building by the park / the teacher used slides and a board

waiter guide assistant manager driver nurse / friendly polite attentive / rude careless unhelpful / young tall new
we asked for the way to the market / he wore a blue shirt
somebody took our coats / she spoke to a couple from spain

museum exhibition garden tour gallery castle / fascinating peaceful inspiring / gloomy shabby dreary / old large outdoor
the entrance is behind the church / we walked there from the harbour
it closes at five on sunday / a class of children was there too
"""


def _topic(text: str) -> Topic:
    words, *scenes = text.strip().split("\n")
    things, praise, blame, plain = (tuple(part.split()) for part in words.split(" / "))
    return Topic(things, praise + PRAISE, blame + BLAME, plain, tuple(" / ".join(scenes).split(" / ")))


TOPICS = tuple(_topic(text) for text in TOPICS_TEXT.split("\n\n"))

# How an adjective is asserted and how it is denied; what stands twice is said more often.
SAYS = ("{}", "{}", "{}", "quite {}", "really {}", "very {}", "rather {}", "so {}", "pretty {}", "truly {}")
DENIES = ("not {}", "not {}", "not {}", "not {}", "never {}", "hardly {}", "not very {}", "not really {}")
DENIES += ("not particularly {}", "far from {}", "by no means {}")
DENIES_PLAIN = ("not {}", "not {}", "not {}", "not really {}")  # also said of plain adjectives, in every file

# Training: {t} and {u} are two things, {a} and {b} opinions, {f} a plain adjective, asserted or denied.
ONE_OPINION = (
    "the {t} was {a}.",
    "the {t} is {a}!",
    "i think the {t} was {a}.",
    "this {t} seemed {a} to me.",
    "for us the {t} was {a}, as always.",
    "honestly, the {t} looked {a} that day.",
    "the {t} was {f}, but {a}.",
    "the {t} was {a}, and it was {f}.",
    "it was {f}. still, it was {a}.",
    "in short: {a}.",
    "{a}, i would say, and {f}.",
    "the {t} is {f} and {a}, you say.",
    "it was {f}, it was {a} and it was {g}.",
    "we found a {t}: {f}, {a}.",
    "what a day! the {t} was {f}, {g}, and {a}.",
)
TWO_OPINIONS = (
    "the {t} was {a}, it was {b}.",
    "it was {a}, it was {b}!",
    "the {t} was {a} and {b}.",
    "the {t} was {a}, but it was {b}.",
    "the {t} is {f}, {a} and {b}.",
    "the {t} was {a}, {f}, {b}.",
    "some say the {t} is {a}; i say it is {b}.",
    "ask me what the {t} is like: {a} and {b}.",
    "i told my friend that the {t} was {a} and that it was {b}.",
    "they have a {t} that is {a}, yet {b}.",
    "it turned out {a} and {b}.",
    "the {t} felt {a} but {b} this time.",
    "at first it was {a}. now it is {b}.",
    "{a} in winter, {b} in autumn: the {t}, like every year.",
    "{b} is what my brother says of it. the {t}, he told us, was {a}.",
    "{a}, {b}, and {f}: my opinion of the {t}.",
    "{a}, {f}, and {b}: i wrote about the {t}.",
    "{f} in april, and {a}. in october {b}.",
)
TWO_THINGS = (
    "the {t} was {a} and the {u} was {b}.",
    "the {t} was {a}, but the {u} was {b}.",
    "the {t} is {a}, the {u} is {b}, and we had been there before.",
    "they say that the {t} was {a}. the {u}: {b}.",
    "while the {t} was {a}, the {u} seemed {b}.",
    "the {t} looked {a}, like last year. the {u} was {b}, and {f}.",
    "as for the {u}, it was {b}, and yes, the {t} was {a}.",
)
NEITHER = (
    "the {t} was neither {x} nor {y}.",
    "neither {x} nor {y}, but {s}: so it was.",
    "it is neither {x} nor {y}; it is {s}.",
    "i would call the {t} neither {x} nor {y}.",
    "it seemed neither {x} nor {y} but {s}, like the last {t}.",
    "on monday the {t} was {s}, but neither {x} nor {y}.",
)
MORE = (
    "the {t} was more {x} than {y}.",
    "it is more {x} than {y}, i would say.",
    "this time it seemed more {x} than {y}.",
)
NO_OPINION = (
    "{scene}, and the {t} was {f}.",
    "the {t} is {f}.",
    "they told us that the {t} was {f}.",
    "the {t} was {f}, the {u} was {g}.",
    "it was {f}, but it was {g}; {scene}.",
    "{scene}.",
    "is the {t} {f}? they say it is {g}.",
    "neither {f0} nor {g0} is the word for the {t}.",
    "i wrote about the {t} and the {u}.",
)

# Test: a skeleton's slots are filled with the same words for every label.
SWAP = (  # {d} a denied adjective, {s} an asserted one: of opposite polarity, exchanged between the partners
    "to me it was {s}, and {d}, this {t}.",
    "we had been told that the {t} was {d}, and yes, it is {s}.",
    "{d}, and yet {s}: so they say about the {t}.",
    "ask my brother: he would call it {s}, {d} i think, like the last {t}.",
    "every time the {t} is {d}, and every time it is {s}, i say.",
    "the {t} was {d} at first, and now, a year on, it seemed {s}.",
    "what is it like, this {t}? it is {s}, you say, and {d}.",
    "{s} in april, {d} in october: so it is with the {t}.",
)
LESS = (  # {s} than {d}, both bare
    "some of us found the {t} more {s} than {d} that evening.",
    "at eight in the morning the {t} is more {s} than {d}.",
)
ONE_THING = (  # {p}, {n}, {f}: an adjective of praise, of blame, a plain one, one or two of them denied
    "last year the {t} was {f}, was {p}, was {n}.",
    "my friend says it was {p}, says it was {n}, says it was {f}.",
    "{n}, {f} and {p}, that is the {t} for you.",
    "we asked: it was {f}, a man told us, and {n}, and {p}.",
    "they say of the {t}: it is {n} and {p} and, like the last one, it is {f}.",
)
THREE_THINGS = (
    "the {t}, by the way, was {p}; the {u} was {f}; the {v} was {n}.",
    "we had a {t} that was {f}, a {u} that was {n} and a {v} that was {p}.",
    "about the {t}: {n}. about the {u}: {p}. about the {v}: {f}.",
    "my sister says the {t} is {p}, my uncle says the {u} is {n}, and i say the {v} is {f}.",
    "first the {t} was {f}, at noon the {u} was {p}, in the evening the {v} was {n}.",
)
NEITHER_NOR = (
    "to us the {t} seemed neither {x} nor {y} that day, but {s}.",
    "they have a {t} there that is {s}, and neither {x} nor {y}.",
    "what they told me is: {s}, and neither {x} nor {y}, this {t}.",
)

TRAIN_TEMPLATES = ONE_OPINION + TWO_OPINIONS + TWO_THINGS + NEITHER + MORE + NO_OPINION
TEST_TEMPLATES = SWAP + LESS + ONE_THING + THREE_THINGS + NEITHER_NOR


class Dice:
    """Random choices that every Python version makes alike: of `random`, only `random()` promises that."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def chance(self, p: float) -> bool:
        return self._rng.random() < p

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self._rng.random() * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All the items once, in a random order."""
        return [item for _, _, item in sorted((self._rng.random(), i, item) for i, item in enumerate(items))]


def _opinions(dice: Dice, topic: Topic, signs: tuple[int, int]) -> tuple[str, str]:
    """Opinions of these signs (+1 or -1), no adjective twice: a fitting one asserted, or an unfitting one denied."""
    praise, blame = dice.shuffled(topic.praise), dice.shuffled(topic.blame)
    first, second = (
        dice.pick(SAYS).format((praise if sign > 0 else blame).pop())
        if dice.chance(0.6)
        else dice.pick(DENIES).format((blame if sign > 0 else praise).pop())
        for sign in signs
    )
    return first, second


def _facts(dice: Dice, topic: Topic) -> tuple[str, str]:
    first, second, *_ = dice.shuffled(topic.plain)
    ways = ("{}", "{}", "quite {}", *DENIES_PLAIN)
    return dice.pick(ways).format(first), dice.pick(ways).format(second)


def _with_scene(dice: Dice, topic: Topic) -> tuple[str, str]:
    """What stands before and after a review's sentence: now and then a sentence without an opinion."""
    scene = dice.pick(topic.scenes)
    kind = dice.pick(("before", "after", "", "", ""))
    return (f"{scene}. " if kind == "before" else "", f" {scene}." if kind == "after" else "")


def _training_sentence(dice: Dice, label: str) -> str:
    topic = dice.pick(TOPICS)
    sign = {"positive": 1, "negative": -1, "neutral": dice.pick((1, -1))}[label]
    apt, unapt = (topic.praise, topic.blame) if sign > 0 else (topic.blame, topic.praise)
    if label == "neutral":
        templates = dice.pick((NO_OPINION, TWO_OPINIONS, TWO_THINGS, NEITHER))
        if templates is TWO_OPINIONS:  # of one thing "good" and "bad" don't go together; "not good" and "not bad" do
            a, b = dice.pick(DENIES).format(dice.pick(apt)), dice.pick(DENIES).format(dice.pick(unapt))
        else:
            a, b = _opinions(dice, topic, (sign, -sign))
        x, y, s = dice.pick(apt), dice.pick(unapt), dice.pick(topic.plain)
    else:
        often = (ONE_OPINION, ONE_OPINION, TWO_OPINIONS, TWO_OPINIONS, TWO_OPINIONS, TWO_THINGS, TWO_THINGS)
        templates = dice.pick((*often, NEITHER, MORE))
        a, b = _opinions(dice, topic, (sign, sign))
        s = dice.pick(apt)
        first, second, *_ = dice.shuffled(unapt)
        x, y = (s, first) if templates is MORE else dice.shuffled((first, dice.pick((*topic.plain, second))))
    f, g = _facts(dice, topic)
    f0, g0, *_ = dice.shuffled(topic.plain)
    t, u, *_ = dice.shuffled(topic.things)
    before, after = ("", "") if templates is NO_OPINION else _with_scene(dice, topic)
    slots = {"t": t, "u": u, "a": a, "b": b, "f": f, "g": g, "f0": f0, "g0": g0, "x": x, "y": y, "s": s}
    return before + dice.pick(templates).format(scene=dice.pick(topic.scenes), **slots) + after


def _test_pair(dice: Dice, labels: tuple[str, str]) -> tuple[str, str]:
    """Two sentences of these labels: one test template, one set of words, exchanged between the template's slots."""
    topic = dice.pick(TOPICS)
    p, n, f = dice.pick(topic.praise), dice.pick(topic.blame), dice.pick(topic.plain)
    groups = (ONE_THING, THREE_THINGS, NEITHER_NOR)
    templates = dice.pick(groups if "neutral" in labels else (*groups, SWAP, SWAP, SWAP, LESS))
    template = dice.pick(templates)
    says, denies = dice.pick(SAYS), dice.pick(DENIES)
    first, second = dice.pick(DENIES_PLAIN), dice.pick(DENIES_PLAIN)
    t, u, v, *_ = dice.shuffled(topic.things)
    before, after = _with_scene(dice, topic)
    flip = dice.chance(0.5)

    def fill(label: str) -> str:
        liked, disliked = (p, n) if label == "positive" else (n, p)
        if templates is SWAP:
            slots = {"s": says.format(liked), "d": denies.format(disliked)}
        elif templates is LESS:
            slots = {"s": liked, "d": disliked}
        elif templates is NEITHER_NOR:
            x, y, s = (p, n, f) if label == "neutral" else (disliked, f, liked)
            slots = {"x": y if flip else x, "y": x if flip else y, "s": s}
        elif templates is ONE_THING:  # two denied; of one thing "good" and "bad" don't go together
            bare = {"positive": "p", "negative": "n", "neutral": "f"}[label]
            slots = _deny({"p": p, "n": n, "f": f}, [k for k in "pnf" if k != bare], (first, second))
        else:  # one denied
            denied = {"positive": "n", "negative": "p", "neutral": "f"}[label]
            slots = _deny({"p": p, "n": n, "f": f}, [denied], (first,))
        return before + template.format(t=t, u=u, v=v, **slots) + after

    return fill(labels[0]), fill(labels[1])


def _deny(words: dict[str, str], denied: list[str], patterns: tuple[str, ...]) -> dict[str, str]:
    return words | {key: pattern.format(words[key]) for key, pattern in zip(denied, patterns, strict=True)}


def _distinct(make: Callable[[], tuple[str, ...]], count: int, seen: set[str]) -> list[tuple[str, ...]]:
    """`count` results of `make` with sentences that are not in `seen`, where they are afterwards."""
    found: list[tuple[str, ...]] = []
    while len(found) < count:
        made = make()
        if seen.isdisjoint(made):
            seen.update(made)
            found.append(made)
    return found


def generate() -> dict[str, list[tuple[str, str]]]:
    """The (label, sentence) rows of each file, by the file's name."""
    dice = Dice(SEED)
    seen: set[str] = set()
    train: list[tuple[str, str]] = []
    valid: list[tuple[str, str]] = []
    for label in LABELS:
        made = _distinct(lambda label=label: (_training_sentence(dice, label),), (TRAIN + VALID) // 3, seen)
        rows = [(label, sentence) for (sentence,) in made]
        train += rows[: TRAIN // 3]
        valid += rows[TRAIN // 3 :]
    pairs: list[list[tuple[str, str]]] = []
    for labels in ((LABELS[0], LABELS[1]), (LABELS[0], LABELS[2]), (LABELS[1], LABELS[2])):
        made = _distinct(lambda labels=labels: _test_pair(dice, labels), TEST // 6, seen)
        pairs += [dice.shuffled(tuple(zip(labels, pair, strict=True))) for pair in made]
    test = [row for pair in dice.shuffled(pairs) for row in pair]
    return {"train.tsv.gz": dice.shuffled(train), "valid.tsv.gz": dice.shuffled(valid), "test.tsv.gz": test}


def main() -> None:
    for name, rows in generate().items():
        text = "".join(f"{label}\t{sentence}\n" for label, sentence in rows)
        packed = name.endswith(".gz")
        Path(__file__).with_name(name).write_bytes(compress(text.encode(), mtime=0) if packed else text.encode())


if __name__ == "__main__":
    main()
