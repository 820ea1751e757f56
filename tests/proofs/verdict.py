"""What `check` says of a spec is what a run says: `python -m tests.proofs.verdict [--count 5000] [--seed N]`.

With `--kernels fast` compiled kernels train and answer, and NumPy's shall answer the same.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import random
import re
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from math import nan
from pathlib import Path

import compiler
import dsl
import nnc
import runtime
from compiler import pipeline
from compiler.sections.train_entries import OPTIMIZERS
from compiler.sorts import Ahead
from dsl.errors import NncError, SpecError
from nnc.device import backend_of
from nnc.machine import KERNELS
from nnc.training import recipe
from runtime.numpy_backend import numpy_backend
from tests.proofs.random_recurrent import recurrent_sample
from tests.proofs.random_series import series_sample
from tests.proofs.random_specs import Sample, sample
from tests.proofs.random_translations import translation_sample
from tests.proofs.random_words import word_sample


class DefectError(Exception):
    """check and a run do not agree, or something failed that is no error of the spec."""


BY_DATA = ("NN209", "NN650", "NN7", "NN896")
"""How the codes begin of what needs the data: how many labels there are, whether there is a data section, and what is
wrong in the files, which `check --data` says."""

GREW = "NN850"
"""Of a rate that is too large the weights grow past all bounds: that is no defect where a tiny one trains."""
NO_MEMORY = "NN852"
"""What others left of this machine's memory, which no spec can say."""


def any_sample(seed: int) -> Sample:
    """Every third one a tagger or a language model; a seventh each forecasters, models of words, writers."""
    if seed % 7 == 3:
        return translation_sample(seed)
    if seed % 7 == 2:
        return word_sample(seed)
    if seed % 7 == 1:
        return series_sample(seed)
    return recurrent_sample(seed) if seed % 3 == 0 else sample(seed)


def verdict(one: Sample, folder: Path) -> str:
    """`ok` or the code of the first error. Raises DefectError."""
    one.write(folder)
    path = folder / "m.nn"
    path.write_text(one.spec, "utf-8")
    said = checked(one.spec)
    ran = run(path, one, folder)
    if said == "ok" and ran == GREW and run(path, one, folder, gently(one.spec)) != GREW:
        return ran
    if ran == NO_MEMORY:
        return ran
    if said == "ok" and ran.startswith(BY_DATA):
        said = checked_with_data(path)
    if said != ran:
        raise DefectError(f"check says {said}, a run says {ran}")
    return ran


def checked(spec: str) -> str:
    try:
        pipeline.check(spec, "m.nn")
    except SpecError as error:
        return error.diagnostics[0].code
    return "ok"


def checked_with_data(path: Path) -> str:
    made = recipe(path)
    try:
        made.check(made.read(made.check()).tables.sizes())
    except NncError as error:
        return error.diagnostics[0].code
    return "ok"


def gently(spec: str) -> tuple[str, ...]:
    """The rate of its optimizer, next to nothing."""
    words = [rule.word for rule in OPTIMIZERS]
    return tuple(f"train.{word}.lr=1e-9" for word in words if re.search(rf"^ *{word}\b", spec, re.MULTILINE))


def run(path: Path, one: Sample, folder: Path, sets: tuple[str, ...] = ()) -> str:
    """Trains, scores, saves, opens and predicts. sets: as `--set`"""
    try:
        nnc.train(path, out=folder / "run", overwrite=True, set=sets)
    except NncError as error:
        return error.diagnostics[0].code
    try:
        model = replace(nnc.load(folder / "run"), backend=backend_of("cpu"))
        if one.examples:
            model.predict([fields(row) for row in one.examples])
            agrees(model, [fields(row) for row in one.examples])
        if one.prompt is not None:
            model.generate(one.prompt, max=5)
        if one.past is not None:
            forecasts(model, one.past)
        if one.texts:
            writes(model, one.texts)
    except NncError as error:
        raise DefectError(f"trained, and then {error.diagnostics[0].code}: {error.diagnostics[0].message}") from error
    return "ok"


def otherwise(model: nnc.Model) -> dict[str, nnc.Model]:
    """The same model, run in other ways, none of which changes what it says."""
    plain = {} if model.backend.native is None else {"with NumPy alone": replace(model, backend=numpy_backend())}
    return {"without the passes": replace(model, optimized=False), **plain}


def agrees(model: nnc.Model, examples: list[tuple[object, ...]]) -> None:
    """What a model says of an example hangs neither on the passes nor on the examples beside it."""
    together = scores(model, examples)
    others = {
        **{how: scores(other, examples) for how, other in otherwise(model).items()},
        "one by one": [each for example in examples for each in scores(model, [example])],
        "in another order": scores(model, examples[::-1])[::-1],
    }
    for how, found in others.items():
        if not all(map(close, together, found)):
            raise DefectError(f"{how} it predicts {found} for {examples}, not {together}")


def writes(model: nnc.Model, pairs: Sequence[tuple[str, str]]) -> None:
    """What is written hangs neither on the passes nor on the texts beside it, and no more does its loss."""
    ports = model.experiment.network.ports
    rows = [{port.name: text for port, text in zip(ports, pair, strict=True)} for pair in pairs]
    loss = model.evaluate(rows)["loss"]
    for how, other in otherwise(model).items():
        if not close([loss], [found := other.evaluate(rows)["loss"]]):
            raise DefectError(f"the loss is {loss}, and {how} {found}")
    sources = [(source,) for source, _ in pairs]
    together = model.predict(sources)
    others = {
        **{how: other.predict(sources) for how, other in otherwise(model).items()},
        "one by one": [each for source in sources for each in model.predict([source])],
        "in another order": model.predict(sources[::-1])[::-1],
    }
    for how, found in others.items():
        if found != together:
            raise DefectError(f"{how} it writes {found} for {sources}, not {together}")


def forecasts(model: nnc.Model, past: dict[str, list[object]]) -> None:
    """A forecast hangs neither on the passes, nor on how far it goes on: the last rows are those to come."""
    told = {port.sort.of for port in model.ports if isinstance(port.sort, Ahead)}
    future = {
        n: [*c[:-4], *[[nan] * len(c[0]) if isinstance(c[0], list) else nan] * 4] for n, c in past.items() if n in told
    }
    known = {**past, **future}
    whole = numbers(model.forecast(known))
    for how, other in otherwise(model).items():
        if not close(whole, numbers(other.forecast(known))):
            raise DefectError(f"{how} it does not forecast {whole}")
    steps = {port.sort.steps for port in model.ports if isinstance(port.sort, Ahead)}
    longer = numbers(model.forecast(known, 4)) if len(steps) == 1 else whole
    if longer[: len(whole)] != whole:
        raise DefectError(f"as far as {len(whole)} numbers it forecasts {whole}, and on the way further {longer}")


def scores(model: nnc.Model, examples: list[tuple[object, ...]]) -> list[list[float]]:
    """The probabilities of each example, in the order of the labels' names; of several outputs one after another."""
    return [numbers(found) for found in model.predict_proba(examples)]


def numbers(found: object) -> list[float]:
    """The numbers in lists and dictionaries, however deep, those of a dictionary by its keys."""
    if isinstance(found, dict):
        return [number for key in sorted(found) for number in numbers(found[key])]
    if isinstance(found, (list, tuple)):
        return [number for each in found for number in numbers(each)]
    return [float(found)] if isinstance(found, (int, float)) else []


def close(some: list[float], other: list[float]) -> bool:
    """Large numbers have large roundings."""
    return len(some) == len(other) and all(
        abs(a - b) < 1e-4 * max(1, abs(a), abs(b)) for a, b in zip(some, other, strict=True)
    )


def fields(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(part for value in row for part in (value if isinstance(value, list) else [value]))


def explained(one: Sample) -> tuple[str | None, str]:
    """A defect's words, None for none; and the verdict."""
    with tempfile.TemporaryDirectory(prefix="nnc-verdict-") as folder:
        try:
            return None, verdict(one, Path(folder))
        except DefectError as error:
            return f"--seed {one.seed} --count 1: {error}\n{one.spec}", "defect"
        except Exception:
            return f"--seed {one.seed} --count 1: {traceback.format_exc()}\n{one.spec}", "defect"


def load_everything() -> None:
    """Of a tree that somebody changes meanwhile a long run shall not have one half from before and one from after."""
    for package in (compiler, dsl, nnc, runtime):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Not what needs more than an installation has, nor what runs when it is imported.
            if not found.name.endswith("__main__"):
                with suppress(ImportError):
                    importlib.import_module(found.name)


def main() -> int:
    load_everything()
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--kernels", choices=KERNELS, default=os.environ.get("NNC_KERNELS", "numpy"))
    options = parser.parse_args()
    os.environ["NNC_KERNELS"] = options.kernels
    print(f"--seed {options.seed}", flush=True)
    found: Counter[str] = Counter()
    defects: list[int] = []
    for i in range(options.count):
        wrong, said = explained(any_sample(options.seed + i))
        found[said] += 1
        if wrong is not None:
            print(wrong, flush=True)
            defects.append(options.seed + i)
    # Last, so that the end of the output says how to see them again.
    print(dict(found.most_common()), *(f"--seed {seed}" for seed in defects))
    return min(found["defect"], 1)


if __name__ == "__main__":
    sys.exit(main())
