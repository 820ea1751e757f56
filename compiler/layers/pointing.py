"""What attention looks at as an answer: the words there, as likely as they are looked at."""

from __future__ import annotations

from compiler.build import Use
from compiler.ir.graph import Node
from compiler.ir.types import Dim, columns, positions
from compiler.layers.word import LayerWord
from compiler.ops.pointing import AddAtIds
from compiler.signature import Signature
from compiler.sorts import BEFORE
from compiler.values import is_ids, what


def _pointer(use: Use, operands: tuple[Node, ...]) -> Node:
    """The probability of each word to be pointed at: the sum of the weights of the places where it stands.

    weights: what an `attend` that has a label gives each position of its memory, [B, T, S]; source: ids [B, S], the
    words of that memory -> [B, T, V], V words of source's vocabulary. Source: Vinyals et al. 2015, eq. 3, and See et
    al. 2017, eq. 9, without words that are in no vocabulary.
    """
    weights, source = operands
    if weights.type.rank != 3 or positions(weights.type.shape[2]) == weights.type.shape[2]:
        help = "label what looks, and write LABEL.weights: attend(memory) as look, then look.weights | pointer(source)"
        use.fail("NN543", f"pointer needs the weights of an attend, but gets {what(weights)}", help=help, about=weights)
    if not is_ids(source) or source.type.rank != 2 or source not in use.build.vocabularies:
        help = "name the input: look.weights | pointer(source)"
        message = f"pointer needs the text whose words it points at, but gets {what(source)}"
        use.fail("NN543", message, help=help, about=source)
    if columns(source.type.shape[1]) != weights.type.shape[2]:
        weighted = positions(weights.type.shape[2])
        message = f"pointer has weights of {weighted} positions, and is to point at {what(source)}"
        use.fail("NN543", message, help="point at the text that the memory was made of, position by position")
    size = use.build.vocabularies[source]
    if others := _written_with_others(use, size):
        owner, name = use.build.owners[source], others[0]
        message = f"pointer gives words of {owner}, and {name} is written with others"
        use.fail("NN543", message, help=f"let them share their words: {name}: words(vocabulary={owner})")
    return use.op(AddAtIds(size), weights, source)


def _written_with_others(use: Use, size: Dim) -> list[str]:
    """The texts that are written, where none of them is with these words."""
    build = use.build
    fed = {name: build.vocabularies[node] for name, node in build.inputs.items() if name.endswith(BEFORE)}
    return [name.removesuffix(BEFORE) for name in fed] if size not in fed.values() else []


LAYERS = (
    LayerWord(
        Signature("pointer", "attention's weights as probabilities of a text's words: look.weights | pointer(source)"),
        _pointer,
        operands=("weights", "source"),
    ),
)
