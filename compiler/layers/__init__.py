"""Every layer and function of the language, in one table."""

from compiler.layers import (
    activation,
    attend,
    attention,
    convolution,
    dense,
    embedding,
    joining,
    normalization,
    pictures,
    pointing,
    pooling,
    recurrent,
    regularization,
)
from compiler.layers.word import LayerWord

LAYERS: dict[str, LayerWord] = {
    layer.word: layer
    for family in (
        embedding,
        convolution,
        pooling,
        pictures,
        dense,
        recurrent,
        attention,
        attend,
        pointing,
        regularization,
        normalization,
        joining,
        activation,
    )
    for layer in family.LAYERS
}

STRUCTURES: dict[str, str] = {
    "residual": "x + f(x)",
    "repeat": "the same layers several times, one on top of the other",
    "parallel": "feeds each of its lines the same value and joins their results",
    "spelling": "the characters of each word through layers that end in one vector",
    "each": "the words of each sentence of a document through layers that end in one vector",
    "shared": "one set of weights under a name",
    "decode": "writes an output that is a text, fed its tokens so far",
}
"""Words with a body, which lowering itself understands."""


def layer_named(name: str) -> bool:
    """Whether the language has a layer or structure of that name."""
    return name in LAYERS or name in STRUCTURES


__all__ = ["LAYERS", "STRUCTURES", "LayerWord", "layer_named"]
