"""Pairs of sentences, for specs/siamese.nn: do they tell of the same event? Made with a fixed seed.

`python specs/pairs/generate.py` writes train.tsv.gz, valid.tsv.gz and test.tsv.gz beside this file, always the same
text.
A line is `same<TAB>a<TAB>b`; same is yes or no, as often the one as the other.

An event is who did what to whom: "the cat chased the dog", "the dog was chased by the cat", "it was the cat that
chased the dog". Of the pairs that differ, half have the two changed about, so that the same words say another thing;
the others have another verb or another person. No event of test.tsv is in train.tsv or valid.tsv, nor is one that swaps
it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from gzip import compress
from pathlib import Path

SEED = 1993
TRAIN, VALID, TEST = 3000, 400, 600
WHO = ["cat", "dog", "child", "teacher", "singer", "farmer", "doctor", "king", "thief", "sailor"]
DID = ["chased", "saw", "helped", "called", "found", "followed", "heard", "liked"]
WAYS = (
    "the {who} {did} the {whom}",
    "the {whom} was {done} by the {who}",
    "it was the {who} that {did} the {whom}",
    "it was the {whom} that the {who} {did}",
)
WHEN = ("", "yesterday ", "in the end ", "as we know ")


@dataclass(frozen=True)
class Event:
    who: str
    did: str
    whom: str

    def told(self, way: str) -> str:
        done = {"saw": "seen"}.get(self.did, self.did)
        return way.format(who=self.who, did=self.did, done=done, whom=self.whom)

    def swapped(self) -> Event:
        return Event(self.whom, self.did, self.who)


def another(event: Event, dice: random.Random) -> Event:
    """An event that differs: half of the time the two are swapped, else one part is exchanged."""
    if dice.random() < 0.5:
        return event.swapped()
    part = dice.choice(("who", "did", "whom"))
    taken = {event.who, event.whom, event.did}
    return replace(event, **{part: dice.choice([w for w in (DID if part == "did" else WHO) if w not in taken])})


def generate() -> dict[str, list[tuple[str, str, str]]]:
    """The rows of each file, by its name."""
    dice = random.Random(SEED)
    couples = [(a, did, b) for i, a in enumerate(WHO) for b in WHO[i + 1 :] for did in DID]
    dice.shuffle(couples)
    kept = len(couples) // 6
    tested, learnt = couples[:kept], couples[kept:]
    files: dict[str, list[tuple[str, str, str]]] = {}
    for name, count, events in (("train.tsv", TRAIN, learnt), ("valid.tsv", VALID, learnt), ("test.tsv", TEST, tested)):
        known = {Event(*c) for c in events} | {Event(*c).swapped() for c in events}
        rows: list[tuple[str, str, str]] = []
        while len(rows) < count:
            event = dice.choice(sorted(known, key=lambda e: (e.who, e.did, e.whom)))
            same = len(rows) % 2 == 0
            other = event if same else another(event, dice)
            if other in known:
                first, second = dice.sample(WAYS, 2) if same else (dice.choice(WAYS), dice.choice(WAYS))
                a, b = (dice.choice(WHEN) + e.told(way) for e, way in ((event, first), (other, second)))
                rows.append(("yes" if same else "no", a, b))
        dice.shuffle(rows)
        files[name] = rows
    return files


def main() -> None:
    for name, rows in generate().items():
        data = "".join("\t".join(row) + "\n" for row in rows).encode()
        Path(__file__).with_name(name + ".gz").write_bytes(compress(data, mtime=0))


if __name__ == "__main__":
    main()
