"""The command line: commands and their options. What a command does is in `nnc.commands`, loaded when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from nnc import __version__
from nnc.options import (
    DATA_ROOT,
    JSON,
    NO_OPTIMIZE,
    ON_DEVICE,
    RUN,
    SET,
    SIZES,
    SPEC,
    InOrder,
    OfExamples,
    finite,
    on_kernels,
)

STAGES = ("ast", "layers", "graph", "gradients", "optimized", "plan", "code", "step")

click.rich_click.TEXT_MARKUP = "ansi"  # Markdown would cost a third of the time that --help takes
click.rich_click.STYLE_OPTIONS_PANEL_BORDER = "dim"
click.rich_click.STYLE_COMMANDS_PANEL_BORDER = "dim"


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


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="nnc", message="%(prog)s %(version)s")
def cli() -> None:
    """The neural-network compiler: write a network as on the blackboard, train it, look at every stage.

    Begin with nnc train: it trains the example that ships, in under a minute.
    """


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, readable=False), metavar="FILE")
@click.option("--from", "source", metavar="SPEC", help="A shipped spec to copy, such as textcnn.")
def new(file: Path, source: str | None) -> int:
    """Write a spec to begin with. Never overwrites."""
    from nnc.commands import new as command

    return command.run(file, source)


@cli.command()
@click.argument("specs", type=click.Path(path_type=Path, readable=False), nargs=-1, required=True, metavar="SPEC...")
@click.option("--data", "with_data", is_flag=True, help="Read the data too, and check against it.")
@SET
@DATA_ROOT
@JSON
def check(
    specs: tuple[Path, ...], with_data: bool, sets: tuple[str, ...], data_root: Path | None, as_json: bool
) -> int:
    """Say whether a spec is right: its sizes, weights and cost, or every error in it."""
    from nnc.commands import check as command

    return command.run(specs, with_data=with_data, sets=sets, data_root=data_root, as_json=as_json)


@cli.command()
@click.argument("specs", type=click.Path(path_type=Path, readable=False), nargs=-1, required=True, metavar="SPEC...")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 where something would change.")
def fmt(specs: tuple[Path, ...], only_check: bool) -> int:
    """Lay out specs in the one standard way."""
    from nnc.commands import fmt as command

    return command.run(specs, only_check=only_check)


@cli.command()
@click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="[SPEC]", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, readable=False), metavar="DIR", help="The run's folder [runs/SPEC]."
)
@click.option("--resume", is_flag=True, help="Go on with the run that --out holds.")
@click.option("--overwrite", is_flag=True, help="Replace the run that --out holds.")
@SET
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Begin from other random numbers.")
@ON_DEVICE
@on_kernels
@DATA_ROOT
@NO_OPTIMIZE
@JSON
def train(
    spec: Path | None,
    out: Path | None,
    resume: bool,
    overwrite: bool,
    sets: tuple[str, ...],
    seed: int | None,
    device: str,
    kernels: str,
    data_root: Path | None,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Train a model; without SPEC the example that ships."""
    from nnc.commands import train as command

    if resume and overwrite:
        raise click.UsageError("give --resume or --overwrite, not both")
    options = command.Options(
        out, overwrite, sets, seed, device, data_root, as_json, not no_optimize, resume, kernels=kernels
    )
    return command.run(spec, options)


@cli.command()
@RUN
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--layer", metavar="LABEL", help="Whose vectors; those of the first table of words otherwise.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, metavar="N", help="How many neighbours [10].")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write all vectors, in the text form of word2vec.",
)
@JSON
def neighbours(
    run: Path, words: tuple[str, ...], layer: str | None, top: int, vectors: Path | None, as_json: bool
) -> int:
    """Show the words whose vectors are nearest to a word's."""
    from nnc.commands import neighbours as command

    if not words and vectors is None:
        raise click.UsageError("give a word, or a file to write with --vectors")
    return command.run(run, words, layer=layer, top=top, vectors=vectors, as_json=as_json)


@cli.command("eval")
@RUN
@click.option("--data", "data", multiple=True, metavar="[NAME=]FILE", help="Score this file instead, as test rows.")
@DATA_ROOT
@ON_DEVICE
@on_kernels
@NO_OPTIMIZE
@JSON
def evaluate(
    run: Path,
    data: tuple[str, ...],
    data_root: Path | None,
    device: str,
    kernels: str,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Score a trained model on its validation and test rows, or on another file."""
    from nnc.commands import evaluate as command

    optimized = not no_optimize
    return command.run(
        run, data=data, data_root=data_root, as_json=as_json, optimized=optimized, device=device, kernels=kernels
    )


@cli.command(cls=OfExamples)
@RUN
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file", "file", type=click.Path(path_type=Path, readable=False), metavar="F", help="Read examples from this file."
)
@click.option("--max", "most", type=click.IntRange(1, 1_000_000), metavar="N", help="Rows of a forecast, with --file.")
@click.option("--proba", is_flag=True, help="With the probability of every label.")
@click.option("--attention", metavar="[FILE.html]", help="With what it looked at: here, or as a page.")
@click.option("--layer", type=click.IntRange(min=1), metavar="N", help="With --attention: which layer that looks.")
@click.option("--head", type=click.IntRange(min=1), metavar="N", help="With --attention: one head, not their mean.")
@ON_DEVICE
@on_kernels
@NO_OPTIMIZE
@JSON
def predict(
    run: Path,
    texts: tuple[str, ...],
    file: Path | None,
    most: int | None,
    proba: bool,
    attention: str | None,
    layer: int | None,
    head: int | None,
    device: str,
    kernels: str,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Ask a trained model: arguments, a file, or standard input, a line an example."""
    from nnc.commands import predict as command

    if texts and file is not None:
        raise click.UsageError("give TEXT or --file, not both")
    if attention is None and (layer is not None or head is not None):
        raise click.UsageError("--layer and --head are for --attention")
    how = {"proba": proba, "as_json": as_json, "optimized": not no_optimize}
    if attention is not None:
        how["attending"] = command.Attending(Path(attention) if attention else None, layer, head)
    return command.run(run, texts=texts, file=file, most=most, device=device, kernels=kernels, **how)


@cli.command()
@RUN
@click.option("--prompt", metavar="TEXT", default="", help="What the text begins with.")
@click.option("--max", "most", type=click.IntRange(1, 10_000_000), metavar="N", help="Tokens to write.")
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    metavar="X",
    callback=finite,
    help="Below 1 likely tokens come more often, above 1 less often; 0 takes the likeliest each time.",
)
@click.option("--top", type=click.IntRange(min=0), metavar="N", help="Draw from the N likeliest tokens; 0 is all.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Draw other random numbers.")
@click.option("--verbose", is_flag=True, help="Say how it is computed.")
@ON_DEVICE
@on_kernels
@NO_OPTIMIZE
@JSON
def generate(
    run: Path,
    prompt: str,
    most: int | None,
    temperature: float | None,
    top: int | None,
    seed: int | None,
    verbose: bool,
    device: str,
    kernels: str,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Let a language model go on writing. What is left out is as the spec's predict section says."""
    from nnc.commands import generate as command

    options = command.Options(prompt, most, temperature, top, seed, verbose, as_json, not no_optimize, device, kernels)
    return command.run(run, options)


@cli.command()
@click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="SPEC|RUN")
@click.option("--stage", type=click.Choice(STAGES), default="layers", show_default=True, help="What to look at.")
@click.option("--diff", "pass_name", metavar="PASS", help="What a pass changed.")
@click.option("--sizes", metavar="V=10000,T=50", help="Sizes that come from data, for the stages plan and code.")
@click.option("--at", metavar="x=1,y=2", help="With --stage gradients: the gradients at these values.")
@click.option(
    "--row", type=click.IntRange(min=1), metavar="N", help="With --stage gradients: those of this training row."
)
@click.option(
    "--line", type=click.IntRange(min=1), metavar="N", help="With --at or --row: this line of the spec, op by op."
)
@SET
@DATA_ROOT
@on_kernels
@JSON
def inspect(
    spec: Path,
    stage: str,
    pass_name: str | None,
    sizes: str | None,
    at: str | None,
    row: int | None,
    line: int | None,
    sets: tuple[str, ...],
    data_root: Path | None,
    kernels: str,
    as_json: bool,
) -> int:
    """Show what the compiler makes of a spec, stage by stage."""
    from nnc.commands import inspect as command

    sized = command.parse_sizes(sizes)
    options = command.Options(stage, pass_name, sized, sets, data_root, as_json, kernels, at, row, line)
    return command.run(spec, options)


@cli.command()
@SPEC
@SIZES
@click.option("--seconds", type=click.FloatRange(min=0, max=3600), metavar="N", default=3, show_default=True,
              callback=finite, help="How long to run steps.")  # fmt: skip
@SET
@DATA_ROOT
@NO_OPTIMIZE
@on_kernels
@JSON
def profile(
    spec: Path,
    sizes: str | None,
    seconds: float,
    sets: tuple[str, ...],
    data_root: Path | None,
    no_optimize: bool,
    kernels: str,
    as_json: bool,
) -> int:
    """Say where the time of a training step goes: by line of the spec and by kernel. Nothing is kept of it."""
    from nnc.commands import profile as command
    from nnc.commands.inspect import parse_sizes

    sized = parse_sizes(sizes)
    return command.run(spec, command.Options(sized, seconds, sets, data_root, as_json, not no_optimize, kernels))


@cli.command()
@click.argument("spec", type=click.Path(path_type=Path, readable=False), metavar="SPEC|RUN")
@click.option(
    "--row", type=click.IntRange(min=1), metavar="N", help="On this training row alone; on the first three otherwise."
)
@SIZES
@click.option(
    "--entries",
    type=click.IntRange(2, 1_000_000),
    default=20,
    show_default=True,
    metavar="N",
    help="Numbers of each weight that are checked: the largest gradients, and others by chance.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-4,
    show_default=True,
    metavar="X",
    callback=finite,
    help="The largest relative error that passes.",
)
@SET
@DATA_ROOT
@NO_OPTIMIZE
@JSON
def gradcheck(
    spec: Path,
    row: int | None,
    sizes: str | None,
    entries: int,
    tolerance: float,
    sets: tuple[str, ...],
    data_root: Path | None,
    no_optimize: bool,
    as_json: bool,
) -> int:
    """Compare every weight's gradient with differences of the loss, in double precision."""
    from nnc.commands import gradcheck as command
    from nnc.commands.inspect import parse_sizes

    if row is not None and sizes is not None:
        raise click.UsageError("give --row or --sizes, not both")
    options = command.Options(row, entries, tolerance, parse_sizes(sizes), sets, data_root, as_json, not no_optimize)
    return command.run(spec, options)


@cli.command()
@click.argument("topic", metavar="CODE|WORD")
def explain(topic: str) -> int:
    """Explain an error code, such as NN204, or a word of the language."""
    from nnc.commands import explain as command

    return command.run(topic)


@cli.command()
@JSON
def doctor(as_json: bool) -> int:
    """Say what is installed, where from, and what is missing."""
    from nnc.commands import doctor as command

    return command.run(as_json=as_json)
