"""Which text a model can write, and by which step: one that goes on, or one that `decode` writes."""

from __future__ import annotations

from compiler.experiment import Network
from compiler.ir.graph import Input
from compiler.ir.text import show
from compiler.sorts import Following, Port, Tokens, along, fed_name, is_written, sequence_symbol_of
from compiler.step import NoStep, Step, step_of
from dsl.errors import Diagnostic, RunError


def followed(network: Network) -> Port | None:
    """The output `next(text)`, the first one; None for a model that writes no text."""
    found = (p for p in network.outputs if isinstance(p.sort, Following) and not p.sort.backwards)
    return next(found, None)


def tells_next_alone(network: Network) -> bool:
    """Whether it is asked for nothing but the text that goes on."""
    return followed(network) is not None and all(isinstance(p.sort, Following) for p in network.outputs)


def written(network: Network) -> tuple[Port, Port]:
    """The output `next(text)`, and the text. Raises RunError NN875 for a model that cannot go on by itself."""
    output = followed(network)
    if output is None:
        told = ", ".join(p.name for p in network.outputs)
        message = f"{network.name} writes no text: it tells {told}"
        help = (
            "nnc predict asks it; a language model has an output next(text): model lm(text: words) -> next: next(text)"
        )
        raise RunError(Diagnostic("NN875", message, help=help))
    text = along(output, network.inputs)
    others = [p.name for p in network.inputs if p is not text]
    if others:
        message = f"{network.name} cannot go on by itself: what comes next hangs on {', '.join(others)} too"
        raise RunError(Diagnostic("NN875", message, help=f"train a model of {text.name} alone"))
    if isinstance(text.sort, Tokens) and text.sort.reverse:
        message = f"{network.name} reads {text.name} from its end: what comes next for it stands before"
        raise RunError(Diagnostic("NN875", message, help="train it without `reverse`"))
    return output, text


def decoded(network: Network) -> Port | None:
    """The output that `decode` writes, the first one."""
    return next(filter(is_written, network.outputs), None)


def decoder_step(network: Network, port: Port) -> Step | NoStep:
    """Of a text that `decode` writes: what comes from the inputs alone is computed once."""
    graph, symbol = network.prediction, sequence_symbol_of(port, network.ports)
    fed = {n.op.name for n in graph.inputs if isinstance(n.op, Input) and n.op.kind in ("data", "lengths")}
    return step_of(graph, f"{port.name}.scores", symbol, fed - {fed_name(port), f"lengths.{symbol}"})


def step(network: Network) -> Step | NoStep:
    """Of what is written. Raises RunError NN875."""
    output, text = written(network)
    return step_of(network.prediction, f"{output.name}.scores", sequence_symbol_of(text, network.ports))


def in_words(found: Step | NoStep) -> str:
    """How a text is written, in one line."""
    if isinstance(found, NoStep):
        place = f"line {found.span.line}, {found.span.snippet}, looks at" if found.span is not None else "it looks at"
        return f"each token reads the text anew: {place} more than can be carried from token to token"
    shapes = (
        f"{n.op.name} [{', '.join(map(str, n.type.shape[1:]))}]" for n in found.carried if isinstance(n.op, Input)
    )
    carried = ", ".join(shapes)
    return f"each token is read once; carried from one to the next: {carried or 'nothing'}"


def page(network: Network) -> str:
    """The stage `step`, as `nnc inspect` prints it."""
    port = decoded(network)
    found = step(network) if port is None else decoder_step(network, port)
    return f"# {in_words(found)}\n" + (show(found.graph) if isinstance(found, Step) else "")
