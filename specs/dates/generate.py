"""Dates as people write them, and as files are sorted by: data for specs/dates.nn. Made with a fixed seed.

`python specs/dates/generate.py` writes train.tsv.gz, valid.tsv.gz and test.tsv.gz beside this file, always the same
text: a row a date, `3 May 2019` and `2019-05-03`. No date stands in two files, however it is written.
"""

from __future__ import annotations

import random
from gzip import compress
from pathlib import Path

SEED = 1582
ROWS = {"train": 2400, "valid": 200, "test": 300}
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FORMS = (
    "{d} {name} {y}",
    "{name} {d}, {y}",
    "the {nth} of {name} {y}",
    "{short} {d} {y}",
    "{d}.{m}.{y}",
    "{d}-{short}-{two}",
)


def nth(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def written(form: str, year: int, month: int, day: int) -> str:
    name = MONTHS[month - 1]
    return form.format(d=day, nth=nth(day), m=month, name=name, short=name[:3], y=year, two=year % 100)


def generate() -> dict[str, list[tuple[str, str]]]:
    """Of each file its rows, source and target; years from 1970 on, so that two figures tell one."""
    dice = random.Random(SEED)
    every = [(y, m, d) for y in range(1970, 2050) for m in range(1, 13) for d in range(1, DAYS[m - 1] + 1)]
    chosen = iter(dice.sample(every, sum(ROWS.values())))
    found: dict[str, list[tuple[str, str]]] = {}
    for name, count in ROWS.items():
        dates = [next(chosen) for _ in range(count)]
        found[name] = [(written(dice.choice(FORMS), *date), "{}-{:02}-{:02}".format(*date)) for date in dates]
    return found


def main() -> None:
    for name, rows in generate().items():
        text = "".join(f"{source}\t{target}\n" for source, target in rows)
        Path(__file__).with_name(f"{name}.tsv.gz").write_bytes(compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
