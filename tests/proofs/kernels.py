"""Random specs are trained by compiled kernels as NumPy trains them: `python -m tests.proofs.kernels [--count 50]`.

In double precision, in which a few dozens of steps leave roundings far below what is compared. With odd seeds threads
share whatever they can, and windows' gradients are written at once, also where that is slower.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from compiler import pipeline
from compiler.emit import together
from compiler.passes import picks
from dsl.errors import NncError
from nnc.training import Recipe, prepared, recipe
from runtime.backend import Array, Backend
from runtime.native.backend import native_backend
from runtime.numpy_backend import numpy_backend
from runtime.train import train
from tests.proofs.random_specs import Sample
from tests.proofs.verdict import DefectError, any_sample

TOLERANCE = 1e-6
"""Of the largest weight: of double precision's 1e-16 the steps make more, and a defect is larger by far."""

backend_of_threads = cache(native_backend)


def verdict(one: Sample, folder: Path, threads: Sequence[int], optimized: bool) -> str:
    """`ok`, or the code of the error that both say. Raises DefectError."""
    one.write(folder)
    path = folder / "m.nn"
    path.write_text(one.spec, "utf-8")
    made = recipe(path, optimized=optimized)
    wanted = weights(made, numpy_backend())
    for count in threads:
        found = weights(made, backend_of_threads(threads=count))
        differ(wanted, found, f"{count} threads")
    return wanted if isinstance(wanted, str) else "ok"


def weights(made: Recipe, backend: Backend) -> Mapping[str, Array] | str:
    """Those that a training ends with, or the code of its error."""
    try:
        experiment = made.check()
        dataset = made.read(experiment, 0 if experiment.data is not None and experiment.data.folds else None)
        return train(prepared(made, dataset, backend)[1], lambda event: None).weights
    except NncError as error:
        return error.diagnostics[0].code


def differ(wanted: Mapping[str, Array] | str, found: Mapping[str, Array] | str, how: str) -> None:
    if isinstance(wanted, str) or isinstance(found, str):
        if isinstance(wanted, str) and wanted == found:
            return
        says = [each if isinstance(each, str) else "ok" for each in (wanted, found)]
        raise DefectError(f"NumPy says {says[0]}, {how} of compiled kernels {says[1]}")
    for name, value in wanted.items():
        scale = np.max(np.abs(value), initial=1.0)
        far = float(np.max(np.abs(found[name] - value), initial=0.0))
        if not far <= TOLERANCE * scale:
            raise DefectError(f"{name} differs by {far:.2g} with {how}")


def explained(seed: int, threads: Sequence[int], optimized: bool) -> tuple[str | None, str]:
    """A defect's words, None for none; and the verdict."""
    one = any_sample(seed)
    with tempfile.TemporaryDirectory(prefix="nnc-kernels-") as folder:
        try:
            return None, verdict(one, Path(folder), threads, optimized)
        except Exception as error:
            words = error if isinstance(error, DefectError) else traceback.format_exc()
            return f"--seed {one.seed} --count 1: {words}\n{one.spec}", "defect"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--no-optimize", action="store_true")
    options = parser.parse_args()
    pipeline.check = partial(pipeline.check, dtype="f64")
    usual = together.CALLING, together.WAITING, picks.LONG
    print(f"--seed {options.seed}", flush=True)
    found: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.count):
        together.CALLING, together.WAITING, picks.LONG = (-1e18, 0.0, 1) if seed % 2 else usual
        wrong, said = explained(seed, options.threads, not options.no_optimize)
        found[said] += 1
        if wrong is not None:
            print(wrong, flush=True)
    print(dict(found.most_common()))
    return min(found["defect"], 1)


if __name__ == "__main__":
    sys.exit(main())
