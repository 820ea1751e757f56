"""The command line: its commands. Their options are in `nnc.cli_specs` and `nnc.cli_runs`; what a command does is in
`nnc.commands`, loaded when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from nnc import __version__
from nnc.cli_runs import evaluate, generate, neighbours, predict, train
from nnc.cli_specs import check, fmt, gradcheck, inspect, new, profile
from nnc.options import JSON, InOrder


def main() -> None:
    """The program `nnc`."""
    from nnc.installed import refusal
    from nnc.streams import prepare

    prepare()
    hidden = refusal()
    if hidden is not None:
        sys.stderr.write(hidden)
        sys.exit(1)
    from nnc.failure import guarded

    sys.exit(guarded(sys.argv[1:], run))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code. What is wrong with them comes out as click's exceptions."""
    result = cli.main(list(arguments), prog_name="nnc", standalone_mode=False)
    return result if isinstance(result, int) else 0


@click.command()
@click.argument("topic", metavar="CODE|WORD")
def explain(topic: str) -> int:
    """Explain an error code, such as NN204, or a word of the language."""
    from nnc.commands import explain as command

    return command.run(topic)


@click.command()
@JSON
def doctor(as_json: bool) -> int:
    """Say what is installed, where from, and what is missing."""
    from nnc.commands import doctor as command

    return command.run(as_json=as_json)


COMMANDS = (
    new,
    check,
    fmt,
    train,
    neighbours,
    evaluate,
    predict,
    generate,
    inspect,
    profile,
    gradcheck,
    explain,
    doctor,
)
"""In the order in which one needs them, which is that of the help."""


@click.group(
    cls=InOrder,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="nnc", message="%(prog)s %(version)s")
def cli() -> None:
    """The neural-network compiler: write a network as on the blackboard, train it, look at every stage.

    Begin with nnc train: it trains the example that ships, in under a minute.
    """
