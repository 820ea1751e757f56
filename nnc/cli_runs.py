"""The commands that make a run and ask one, and their options."""

from __future__ import annotations

from pathlib import Path

import click

from nnc.options import DATA_ROOT, JSON, NO_OPTIMIZE, ON_DEVICE, RUN, SET, OfExamples, finite, on_kernels


@click.command()
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


@click.command()
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


@click.command("eval")
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


@click.command(cls=OfExamples)
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


@click.command()
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
