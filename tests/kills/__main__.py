"""Kill runs at random instants, go on with each until it ends, and compare every byte with the run never stopped.

--faults: instead, every call that writes fails, once and for ever, with ENOSPC and EIO, in every spec.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from compiler import autodiff, optimizers, passes
from compiler.emit import numpy as emit
from compiler.plan import make
from nnc.commands.train import Options, run
from nnc.failure import guarded
from runtime.loop import Pace
from tests.kills.faults import WAYS, every_fault
from tests.kills.specs import SPECS, contents, write_all

LOADED = (autodiff, optimizers, passes, emit, make)
"""What training loads when it needs it: here before the processes part, so that each begins at once."""
ALWAYS = Pace(0, 0, float("inf"))


def child(spec: str, out: str) -> int:
    """A process of its own that trains; forked, so that it need not load the program first."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        with open(os.devnull, "w") as nowhere, open("errors.txt", "a") as errors:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            options = Options(Path(out), resume=True, device="cpu", pace=ALWAYS)
            code = guarded([], lambda _: run(Path(f"{spec}.nn"), options))
    finally:
        os._exit(code)


def ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def ended_within(process: int, seconds: float) -> int | None:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    return None


def killed_run(spec: str, out: str, seconds: float, chance: random.Random) -> int:
    """Kills it took until the run got to its end. seconds: that a whole run takes."""
    kills = 0
    while True:
        process = child(spec, out)
        # Longer than a whole run at times: most of a short one is what comes before its first step.
        code = ended_within(process, chance.uniform(0, 1.5 * seconds))
        if code is None:
            os.kill(process, signal.SIGKILL)
            code = ended(process)
        if code == -signal.SIGKILL:
            kills += 1
        elif code == 0:
            return kills
        else:
            raise SystemExit(f"{spec}: the run failed with {code}: {Path('errors.txt').read_text()}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("--count", type=int, default=1000, help="kills")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", action="store_true", help="failing calls in place of kills")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    os.chdir(tempfile.mkdtemp(prefix="nnc-kills-"))
    write_all(Path())
    if options.faults:
        for spec in SPECS:
            print(f"{spec}: {every_fault(spec, len(WAYS))} calls, each failed in {len(WAYS)} ways", flush=True)
        return
    whole: dict[str, dict[str, bytes]] = {}
    seconds: dict[str, float] = {}
    for spec in SPECS:
        start = time.perf_counter()
        if ended(child(spec, f"whole-{spec}")) != 0:
            raise SystemExit(Path("errors.txt").read_text())
        seconds[spec], whole[spec] = time.perf_counter() - start, contents(Path(f"whole-{spec}"))
    kills = runs = 0
    while kills < options.count:
        spec = list(SPECS)[runs % len(SPECS)]
        kills += killed_run(spec, f"run-{runs}", seconds[spec], chance)
        found = contents(Path(f"run-{runs}"))
        if found != whole[spec]:
            wrong = sorted(
                name for name in found.keys() | whole[spec].keys() if found.get(name) != whole[spec].get(name)
            )
            raise SystemExit(f"{spec}: {', '.join(wrong)} differ after {kills} kills: {Path(f'run-{runs}').resolve()}")
        runs += 1
    print(f"{kills} kills, {runs} runs, each equal to the byte with the run that was never stopped")


if __name__ == "__main__":
    sys.exit(main())
