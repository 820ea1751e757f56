"""`nnc generate RUN`: a language model goes on writing where a prompt ends."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dsl.render import show
from nnc.commands.predict import decoded
from nnc.device import backend_of
from nnc.failure import print_diagnostics
from nnc.opening import open_model
from nnc.writing import Writer, unknown_tokens, writer


@dataclass(frozen=True)
class Options:
    """As on the command line; what is None is as the spec says."""

    prompt: str = ""
    max: int | None = None
    temperature: float | None = None
    top: int | None = None
    seed: int | None = None
    verbose: bool = False
    as_json: bool = False
    optimized: bool = True
    device: str = "auto"
    kernels: str | None = None


def run(run: Path, options: Options) -> int:
    prompt = decoded(options.prompt.encode("utf-8", "surrogateescape"), 1, "--prompt")
    model = replace(open_model(run), optimized=options.optimized, backend=backend_of(options.device, options.kernels))
    writing = writer(model, max=options.max, temperature=options.temperature, top=options.top, seed=options.seed)
    unknown = writing.unknown(prompt)
    if unknown and not options.as_json:
        print_diagnostics((unknown_tokens(unknown),), sys.stderr)
    if options.verbose:
        print(writing.how, file=sys.stderr)
    if options.as_json:
        _print_object(writing, prompt, unknown)
    else:
        _print_as_it_comes(writing, prompt)
    return 0


def _print_object(writing: Writer, prompt: str, unknown: tuple[str, ...]) -> None:
    pieces = list(writing.pieces(prompt))
    settings = writing.settings
    found = {
        "prompt": prompt,
        "text": prompt + "".join(pieces),
        "tokens": len(pieces),
        "seed": writing.seed,
        "temperature": settings.temperature,
        "top": settings.top,
        "unknown": list(unknown),
    }
    print(json.dumps(found, ensure_ascii=False))


def _print_as_it_comes(writing: Writer, prompt: str) -> None:
    """The prompt and what follows it, each token as soon as it is there; the last line is ended."""
    safe = _shown if sys.stdout.isatty() else str
    last = prompt
    sys.stdout.write(safe(prompt))
    try:
        for piece in writing.pieces(prompt):
            sys.stdout.write(safe(piece))
            sys.stdout.flush()
            last = piece
    finally:
        # Ctrl-C too leaves the prompt of the shell on a line of its own.
        if not last.endswith("\n"):
            sys.stdout.write("\n")
            sys.stdout.flush()


def _shown(text: str) -> str:
    """For a terminal, which a control character of a text must not reach; line ends and tabs do."""
    return "".join(c if c in "\n\t" else show(c) for c in text)
