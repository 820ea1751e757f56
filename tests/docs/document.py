"""A page of the documentation as its code blocks, and how its commands are run.

A block is as its fence says: `console` (commands after `$ `, each with what it prints; a line `...` stands for any
lines), `sh` (commands alone), `nn`, `python`, and others, which are only shown. `<!-- figures vary -->` above a block
says that its numbers differ from machine to machine.
"""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?P<note><!--[^\n]*-->\n)?```(?P<kind>[\w-]+)[^\n]*\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
SHORT_FOR_NNC = (".venv/bin/nnc", "uv run nnc", "nnc")


@dataclass(frozen=True)
class Block:
    """kind: what the fence says; line: of the fence; varies: its numbers are not compared."""

    page: str
    line: int
    kind: str
    text: str
    varies: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.kind}"


@dataclass(frozen=True)
class Example:
    """A command line and what the page says it prints; None where it says nothing."""

    command: str
    printed: str | None


@dataclass(frozen=True)
class Ran:
    code: int
    printed: str


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, m.start("kind")) + 1, m["kind"], m["text"], "figures vary" in (m["note"] or ""))
        for m in FENCE.finditer(text)
    ]


def examples(block: Block) -> list[Example]:
    """The commands of nnc in a block, in order; of `a && b` each by itself. Other programs' are left out."""
    if block.kind == "sh":
        parts = [part.strip() for line in block.text.splitlines() for part in line.split("&&")]
        return [Example(command, None) for part in parts if (command := of_nnc(part)) is not None]
    if block.kind != "console":
        return []
    found: list[Example] = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, printed = part.partition("\n")
        command = of_nnc(line)
        if command is not None:
            found.append(Example(command, printed))
    return found


def of_nnc(command: str) -> str | None:
    """`nnc train` of `.venv/bin/nnc train`; None for another program's command line."""
    for name in SHORT_FOR_NNC:
        if command == name or command.startswith(f"{name} "):
            return "nnc" + command.removeprefix(name)
    return None


def prepare(folder: Path) -> None:
    """What a reader has: the specs, and `train.tsv` of their own."""
    shutil.copytree(ROOT / "specs", folder / "specs", ignore=shutil.ignore_patterns("__pycache__"))
    packed = (ROOT / "specs" / "sentiment" / "train.tsv.gz").read_bytes()
    rows = gzip.decompress(packed).decode().splitlines(keepends=True)
    (folder / "train.tsv").write_text("".join(rows[:300]), encoding="utf-8")


def run(command: str, folder: Path) -> Ran:
    return start([sys.executable, "-m", "nnc", *shlex.split(command)[1:]], folder)


def start(arguments: list[str], folder: Path, tree: Path = ROOT) -> Ran:
    """Run a program there, with nnc as it is in the tree."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout)


def agrees(printed: str, wanted: str, varies: bool) -> bool:
    """Whether a command printed what the page shows, but for spaces at the ends of lines."""
    pattern = ""
    for line in wanted.strip("\n").splitlines():
        pattern += r"(?:[^\n]*\n)*" if line == "..." else re.escape(line.rstrip()) + "\n"
    found = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    if varies:
        pattern, found = (re.sub(r"\d+(?:,\d{3})*(?:\\?\.\d+)?", "0", text) for text in (pattern, found))
        pattern, found = (re.sub(r" +", " ", text.replace("\\ ", " ")) for text in (pattern, found))
    return re.fullmatch(pattern, found) is not None
