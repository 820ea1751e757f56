"""Model files and checkpoints damaged, or edited and signed again: `python -m tests.proofs.model_fuzz [--seconds 60]`.

Each one is refused with an error of nnc, or opens as a model that predicts, or as a run that is trained to its end. In
a process that may have little memory and little time, so that a file that asks for more of either shows.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import nnc
from dsl.errors import NncError
from nnc import cli
from nnc.failure import guarded
from runtime import model_file
from tests.fresh import fresh

ROOM = 1 << 30
"""Memory beyond what the process has at the start. Model files here have some kilobytes."""
LONGEST_SECONDS = 20

TEXT_SPEC = """let wide = 4
block body(x) size=3 { x | dense size relu }
model m(text: words(min=1, max=9), n: real[2](standard)) -> label: class, y: real(standard) {
  v = text | embed wide | maxpool
  h = concat(v, n) | body size=3
  label = h | dense softmax
  y = h | dense
}
data { train "train.tsv" columns=label,y,text,n ; valid 20% }
train { epochs 1 ; batch 4 ; adagrad }
"""
WORDS = ("good film", "bad film", "a good one", "the bad", "good", "bad bad")
EXAMPLE = ("a good film", 0.5, 1.5)
VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, "", "a", "0", "\x1b[31m", "\0", "é" * 300,
    "m(x: real) -> y: real { dense }", [], {}, [[]], [None], ["a", "a"], {"": 0}, [[[[[[[[]]]]]]]], "../../x",
)  # fmt: skip
SPEC_PIECES = (
    "999999999",
    "0",
    "-1",
    "{",
    "}",
    "text",
    "dense",
    "embed 9999999",
    "repeat 9999 { }",
    "1e9",
    "%",
    "as v",
    "\n",
)


def made(folder: Path) -> Path:
    """A run of TEXT_SPEC."""
    lines = [f"{'pos' if 'good' in w else 'neg'}\t{i}.5\t{w}\t{i}\t{-i}" for i, w in enumerate(WORDS * 3)]
    (folder / "train.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "m.nn").write_text(TEXT_SPEC, "utf-8")
    if guarded(["train", str(folder / "m.nn"), "--out", str(folder / "run"), "--json"], cli.run):
        raise AssertionError("the spec that is to be fuzzed does not train")
    return folder / "run"


def signed(header: dict[str, Any], meta: dict[str, Any], tensors: bytes) -> bytes:
    """A model file of these parts with the checksum that they have."""
    blank = {**meta, "sha256": model_file.ZEROS}
    text = json.dumps({**header, "__metadata__": {"nnc": json.dumps(blank, sort_keys=True)}}).encode()
    text += b" " * (-len(text) % 8)
    start = len(text).to_bytes(8, "little")
    digest = sha256(start + text + tensors).hexdigest()
    return start + text.replace(model_file.ZEROS.encode(), digest.encode()) + tensors


def parts_of(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return header, json.loads(header.pop("__metadata__")["nnc"]), data[8 + length :]


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    """Cuts, bits and pieces; the checksum stays as it was."""
    content = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(content) or 1)
        match chance.randrange(6):
            case 0:
                content[at : at + 1] = bytes((content[at] ^ 1 << chance.randrange(8),)) if content else b""
            case 1:
                content[at : at + 1] = chance.randbytes(1)
            case 2:
                del content[at : at + chance.choice((1, 8, 100))]
            case 3:
                content[at:at] = chance.randbytes(chance.choice((1, 8, 100)))
            case 4:
                del content[at:]
            case _:
                content[at : at + 1] = chance.choice((b'"', b"{", b"[", b"0", b",", b"}", b"9", b"\\"))
    return bytes(content)


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path into it; what a test has made is not deep."""
    found = [at] if at else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*at, key))
    return found


def edited(value: Any, chance: random.Random) -> None:
    """One place of it is deleted, doubled, exchanged or set."""
    every = places(value)
    path = chance.choice(every)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    key = path[-1]
    match chance.randrange(7):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, list):
            inside.insert(chance.randrange(len(inside) + 1), inside[key])
        case 2:
            other = value
            for step in chance.choice(every):
                other = other[step]
            inside[key] = json.loads(json.dumps(other))
        case 3 if isinstance(inside[key], str):
            text = inside[key]
            at = chance.randrange(len(text) + 1)
            put = chance.choice(SPEC_PIECES)
            inside[key] = text[:at] + put + text[at + chance.choice((0, 1, len(put))) :]
        case 4 if isinstance(inside[key], int):
            inside[key] += chance.choice((-1, 1, 4, 8, -8, 2**40))
        case 5 if isinstance(inside, dict):
            inside[chance.choice(("x", "é", "sets", "nnc", "now/x"))] = inside.pop(key)
        case _:
            inside[key] = chance.choice(VALUES)


def signed_again(data: bytes, chance: random.Random) -> bytes:
    """Edits of the header, of the metadata, of the numbers; the checksum agrees."""
    header, meta, tensors = parts_of(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        match chance.randrange(4):
            case 0:
                edited(header, chance)
            case 1:
                numbers = bytearray(tensors)
                at = 4 * chance.randrange(max(len(numbers) // 4, 1))
                numbers[at : at + 4] = chance.choice((b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b""))
                tensors = bytes(numbers)
            case _:
                edited(meta, chance)
        if not header or not meta:
            break
    return signed(header, meta, tensors)


def outcome(path: Path) -> str:
    """Opens and asks; what is no error of nnc comes out."""
    try:
        model = nnc.load(path)
        found = model.predict([EXAMPLE])
    except NncError as error:
        return error.diagnostics[0].code
    assert len(found) == 1
    return "predicts"


def outcome_of_run(run: Path, content: bytes) -> str:
    """Goes on from such a checkpoint."""
    place = run.parent / "resumed"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(run, place)
    fresh(place / "checkpoint.safetensors", content)
    try:
        nnc.train(run.parent / "m.nn", out=place, resume=True, set=("train.epochs=3",))
    except NncError as error:
        return f"resume {error.diagnostics[0].code}"
    return "resumes"


def overtime(*_: object) -> None:
    raise TimeoutError(f"more than {LONGEST_SECONDS} s")


def fuzz(seconds: float, seed: int) -> Counter[str]:
    """Files for so long; each failure is raised with the seed of its file."""
    folder = Path(tempfile.mkdtemp(prefix="nnc-fuzz-"))
    found: Counter[str] = Counter()
    try:
        run = made(folder)
        model, checkpoint = ((run / f"{name}.safetensors").read_bytes() for name in ("model", "checkpoint"))
        path = folder / "bad.safetensors"
        limits = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (held() + ROOM, limits[1]))
        signal.signal(signal.SIGALRM, overtime)
        path.write_bytes(model)
        assert outcome(path) == "predicts"
        assert outcome_of_run(run, checkpoint) == "resumes"
        end = time.monotonic() + seconds
        case = seed
        while time.monotonic() < end:
            chance = random.Random(case)
            # Those that are not signed end at the checksum and cost little.
            change = signed_again if case % 20 == 0 else bytes_changed
            resumed = chance.random() < 0.2
            good = checkpoint if resumed else model
            content = change(good, chance)
            if content != good:
                fresh(path, content)
                signal.alarm(LONGEST_SECONDS)
                try:
                    kind = outcome_of_run(run, content) if resumed else outcome(path)
                except BaseException as error:
                    raise AssertionError(f"--seed {case}: {change.__name__}: {error!r}") from error
                finally:
                    signal.alarm(0)
                found[kind] += 1
                if change is bytes_changed and kind in ("predicts", "resumes"):
                    raise AssertionError(f"--seed {case}: a damaged file was accepted")
            case += 1
    finally:
        shutil.rmtree(folder)
    return found


def held() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    found = fuzz(options.seconds, options.seed)
    print(sum(found.values()), "files:", dict(found.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
