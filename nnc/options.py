"""What commands have alike on the command line: their options, and how a command is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path

import click

from nnc.machine import DEVICE, KERNELS
from runtime.threads import GIVEN, take


class InOrder(click.Group):
    """Lists its commands as they are written here, which is the order one needs them in."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What each does, whole: click leaves out what does not fit a line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(200)) for name, command in self.commands.items()])


DASHED = re.compile(r"-\.?[0-9]|-[^=]*\s|\x1f")
"""An argument that begins like an option and can be none: a negative number, or what has white space in it.

While click looks for options such an argument has the control character 1f in front; so has one that begins with it.
"""


PAGES = (".html", ".htm")


class OfExamples(click.Command):
    """A command whose arguments are examples: -1.5 and "- so good" are two of them, not options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = ["\x1f" + a if DASHED.match(a) else a for a in args]
        # What follows it is its file only where it is a page: else an example, or the run.
        for at, arg in enumerate(args):
            if arg == "--attention" and not "".join(args[at + 1 : at + 2]).lower().endswith(PAGES):
                args[at] = "--attention="
        rest = super().parse_args(ctx, args)
        ctx.params["texts"] = tuple(text.removeprefix("\x1f") for text in ctx.params["texts"])
        for name in ("run", "file"):
            path = ctx.params[name]
            ctx.params[name] = path and Path(str(path).removeprefix("\x1f"))
        return rest


def device_name(context: click.Context, option: click.Parameter, written: str) -> str:
    if DEVICE.fullmatch(written):
        return written
    raise click.UsageError(f"--device is auto, cpu, cuda or cuda:0, not {written!r}")


ON_DEVICE = click.option(
    "--device",
    metavar="D",
    default="auto",
    callback=device_name,
    help="What computes: auto (a GPU that works, else the processor), cpu, cuda or cuda:1.",
)
ON_KERNELS_ALONE = click.option(
    "--kernels",
    type=click.Choice(KERNELS),
    default=KERNELS[0],
    show_default=True,
    envvar="NNC_KERNELS",
    help="On a processor: NumPy, or kernels that Numba compiles; auto: these once they are (also NNC_KERNELS).",
)


def threads_taken(context: click.Context, option: click.Parameter, written: int | None) -> None:
    """Before NumPy is loaded, which takes as many then."""
    if written is not None:
        take(written)


ON_THREADS = click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    envvar=GIVEN,
    expose_value=False,
    callback=threads_taken,
    help="Threads that compute, at most one a core (also NNC_THREADS) [all cores].",
)


def on_kernels(command: Callable[..., int]) -> Callable[..., int]:
    """`--kernels`, which the command gets, and `--threads`, which it need not know of."""
    return ON_KERNELS_ALONE(ON_THREADS(command))


NO_OPTIMIZE = click.option(
    "--no-optimize", is_flag=True, help="Run the graph as it was lowered: the same results, slower."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
SET = click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value of the spec: train.epochs=3. Repeatable."
)
DATA_ROOT = click.option(
    "--data-root",
    type=click.Path(path_type=Path, readable=False, file_okay=False),
    envvar="NNC_DATA",
    metavar="DIR",
    help="Take this folder instead of the spec's own for data (also NNC_DATA).",
)
SIZES = click.option(
    "--sizes", metavar="V=10000,T=50", help="These sizes, and numbers by chance, instead of the spec's data."
)
SPEC = click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="SPEC")
RUN = click.argument("run", type=click.Path(path_type=Path, readable=False), metavar="RUN")


def finite(context: click.Context, option: click.Parameter, given: float | None) -> float | None:
    if given is None or isfinite(given):
        return given
    raise click.UsageError(f"--{option.name} is a number, not {given}")
