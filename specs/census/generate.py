"""A table of people with numbers and categories, for specs/tabular.nn: who earns much? Made with a fixed seed.

`python specs/census/generate.py` writes train.csv.gz and test.csv.gz beside this file, always the same text. They
have a row of headings and are CSV as RFC 4180 has it.

About one in four is rich. The chance follows from a curve over age, from school and hours together, and from the kind
of work: what no linear model of the columns can say, and what `best` says exactly.
"""

from __future__ import annotations

import math
import random
from gzip import compress
from pathlib import Path

SEED = 2016
TRAIN, TEST = 3000, 1500
HEADINGS = ("age", "workclass", "school", "native-country", "gain", "hours", "rich")
WORK = {"private": 0.0, "public": 0.2, "own firm": 0.7, "family": -1.0}
SCHOOL = {"none": -1.5, "primary": -1.0, "secondary": 0.0, "college": 0.9, "doctorate": 1.8}
COUNTRY = {"Norway": 0.5, "Portugal": 0.0, "Côte d'Ivoire": -0.3, "Korea, Republic of": 0.3}
Person = dict[str, str]


def chance(person: Person) -> float:
    """How likely the person is rich."""
    age, hours, gain = float(person["age"]), float(person["hours"]), float(person["gain"])
    curve = -(((age - 48) / 14) ** 2)
    school = SCHOOL[person["school"]]
    diligence = (hours - 40) / 12
    z = -0.4 + curve + 1.4 * school + 1.1 * diligence * (1.0 if school > 0 else -0.3) + gain / 4000
    z += WORK[person["workclass"]] + COUNTRY[person["native-country"]]
    return 1 / (1 + math.exp(-2.0 * z))


def best(people: list[Person]) -> float:
    """How often the likelier answer is the right one: what no model can better but by luck."""
    return sum((chance(p) > 0.5) == (p["rich"] == "yes") for p in people) / len(people)


def generate() -> dict[str, list[Person]]:
    """The rows of each file, by its name."""
    dice = random.Random(SEED)

    def person() -> Person:
        found = {
            "age": str(dice.randint(18, 80)),
            "workclass": dice.choices(tuple(WORK), (6, 2, 1, 1))[0],
            "school": dice.choices(tuple(SCHOOL), (1, 2, 5, 3, 1))[0],
            "native-country": dice.choice(tuple(COUNTRY)),
            "gain": str(0 if dice.random() < 0.9 else dice.randint(1, 99) * 100),
            "hours": str(min(max(round(dice.gauss(40, 10)), 5), 90)),
        }
        return {**found, "rich": "yes" if dice.random() < chance(found) else "no"}

    return {name: [person() for _ in range(n)] for name, n in (("train.csv", TRAIN), ("test.csv", TEST))}


def field(text: str) -> str:
    """In quotes where a comma asks for them."""
    return f'"{text}"' if "," in text else text


def main() -> None:
    for name, people in generate().items():
        lines = [HEADINGS, *(tuple(field(p[h]) for h in HEADINGS) for p in people)]
        data = "".join(",".join(line) + "\r\n" for line in lines).encode()
        Path(__file__).with_name(name + ".gz").write_bytes(compress(data, mtime=0))


if __name__ == "__main__":
    main()
