"""What every measurement is asked with."""

from __future__ import annotations

import argparse


def parser(what: str, about: str | None) -> argparse.ArgumentParser:
    """Of `python -m benchmarks WHAT`. about: the module's docstring; each can say what it found as a line of JSON."""
    options = argparse.ArgumentParser(
        prog=f"python -m benchmarks {what}".rstrip(),
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--json", action="store_true", help="end with one JSON line")
    return options
