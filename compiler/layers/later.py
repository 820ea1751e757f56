"""Words of the language whose layers are not there yet: known, so that a spec that uses one is told just that."""

LATER: dict[str, str] = {
    "each": "a sub-network over each sentence of a document",
    "pointer": "attention weights as probabilities of the words they point at",
    "decode": "writes one token after the other",
}
"""word -> what it will do"""

LATER_SORTS: dict[str, str] = {
    "subwords": "text in pieces of words",
    "sentences": "a document, sentence by sentence",
}

LATER_ENTRIES: dict[str, tuple[str, ...]] = {
    "train": (
        "teacher",
        "layerwise",
    ),
    "predict": ("beam",),
}
