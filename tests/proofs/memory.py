"""What training is said to need, against what it takes: `python -m tests.proofs.memory [--count 200] [--seed N]`.

Each spec is trained in a process of its own: reading ends, what it has freed goes back to the system, the mark of the
most that was resident is reset, and training runs to its end, test rows and saving included. The most that was resident
since, less what was there before, and the data, is what training took.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOST = 1.25


@dataclass(frozen=True)
class Measured:
    """Bytes. parts: of the estimate."""

    name: str
    estimate: int
    peak: int
    parts: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.estimate / self.peak


def measured(name: str, spec: str, folder: Path) -> Measured:
    """spec: the text; folder: where its data lie."""
    (folder / "m.nn").write_text(spec, "utf-8")
    # Estimates go by as many threads as the BLAS takes by itself; those that wait shall not take a core from others.
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment["OPENBLAS_THREAD_TIMEOUT"] = "4"
    done = subprocess.run(
        [sys.executable, "-m", "tests.proofs.memory", "--folder", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f"{name}\n{spec}\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return Measured(name, found["estimate"], found["peak"], found["parts"])


def child(folder: Path) -> dict[str, Any]:
    """In the process that is measured."""
    import numpy as np

    from compiler import pipeline
    from runtime import train as training
    from runtime.data import read
    from runtime.footprint import Footprint
    from runtime.job import Job
    from runtime.numpy_backend import numpy_backend

    text = (folder / "m.nn").read_text("utf-8")
    first = pipeline.check(text, "m.nn")
    assert first.data is not None
    dataset = read(first.network.ports, first.data, folder, None)
    bound = pipeline.check(text, "m.nn", sizes=dataset.tables.sizes())
    step = pipeline.training_step(bound)
    job = Job(
        network=bound.network,
        settings=bound.train,
        step=replace(step, graph=pipeline.optimize(step.graph)),
        evaluation=pipeline.optimize(bound.network.evaluation),
        dataset=dataset,
        backend=numpy_backend(),
        compile_bucket=pipeline.compile_bucket,
    )
    said: list[Footprint] = []
    told = training.needed_memory

    def note(*given: Any) -> Footprint:
        said.append(told(*given))
        return said[-1]

    training.needed_memory = note

    # What NumPy and BLAS set up once is the program's, whatever is trained.
    np.ones((64, 64), np.float32) @ np.random.Generator(np.random.Philox(key=1)).random((64, 64), np.float32)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before, code = resident("VmRSS"), resident("RssFile")
    training.train(job, lambda event: None)
    # The program's own pages, read from its files when they are first run, are not training's.
    peak = resident("VmHWM") - before - (resident("RssFile") - code)
    return {"estimate": said[0].total, "peak": peak + said[0].data, "parts": asdict(said[0])}


def resident(line: str) -> int:
    for found in Path("/proc/self/status").read_text("ascii").splitlines():
        if found.startswith(f"{line}:"):
            return int(found.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {line}")


def main() -> int:
    from tests.proofs.memory_cases import CASES, random_case

    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, help="the data and m.nn of the spec that this process measures")
    parser.add_argument("--count", type=int, default=len(CASES), help="more than the fixed ones are drawn by chance")
    parser.add_argument("--only", default="", help="those with this in their name")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    if options.folder is not None:
        print(json.dumps(child(options.folder)))
        return 0
    drawn = [random_case(options.seed + i) for i in range(options.count - len(CASES))]
    wrong = 0
    for case in [case for case in (*CASES[: options.count], *drawn) if options.only in case.name]:
        with tempfile.TemporaryDirectory() as folder:
            case.write(Path(folder))
            one = measured(case.name, case.spec, Path(folder))
        if not 1 <= one.ratio <= MOST:
            wrong += 1
            print({k: round(v / 1e6, 1) for k, v in one.parts.items()})
        print(f"{one.ratio:5.2f} {one.estimate / 1e6:8.1f} {one.peak / 1e6:8.1f}  {one.name}", flush=True)
    print(f"{wrong} wrong; --seed {options.seed}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
