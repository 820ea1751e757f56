"""Water levels of a harbour, hour by hour, for specs/tides.nn: tide, wind and a gauge. Made with a fixed seed.

`python specs/tides/generate.py` writes levels.csv.gz beside this file, always the same text: the heading `level,wind`,
then a row an hour, in cm and in m/s (onshore is positive).

The tide is a sum of four waves. The wind comes and goes; what it heaps up at the coast grows with the square of its
speed, is more where the water is low, and runs off by a seventh in an hour. The gauge errs by NOISE cm: nothing can
tell its next reading better than that. The square is why a linear model of the same hours is worse than a network.
"""

from __future__ import annotations

import math
import random
from gzip import compress
from pathlib import Path

SEED = 1953
HOURS = 3000
NOISE = 2.0
WAVES = ((60.0, 12.4206, 0.3), (20.0, 12.0, 1.1), (12.0, 23.9345, 2.0), (9.0, 25.8193, 4.2))
"""cm, hours, and the phase: the moon, the sun, and the two that come once a day."""
CALMER, GUST = 0.8, 4.0
RUNS_OFF, HEAPS = 0.15, 0.2
DEPTH = 300.0


def generate() -> list[tuple[float, float]]:
    """level and wind of each hour"""
    dice = random.Random(SEED)
    wind = surge = 0.0
    rows: list[tuple[float, float]] = []
    for hour in range(HOURS):
        tide = sum(size * math.cos(2 * math.pi * hour / period + phase) for size, period, phase in WAVES)
        wind = CALMER * wind + dice.gauss(0, GUST)
        surge += HEAPS * wind * abs(wind) * (1 - tide / DEPTH) - RUNS_OFF * surge
        rows.append((tide + surge + dice.gauss(0, NOISE), wind))
    return rows


def main() -> None:
    text = "level,wind\n" + "".join(f"{level:.1f},{wind:.1f}\n" for level, wind in generate())
    Path(__file__).with_name("levels.csv.gz").write_bytes(compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
