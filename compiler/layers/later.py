"""Words of the language whose layers are not there yet: known, so that a spec that uses one is told just that."""

LATER: dict[str, str] = {
    "pointer": "attention weights as probabilities of the words they point at",
}
"""word -> what it will do"""

LATER_SORTS: dict[str, str] = {}

LATER_ENTRIES: dict[str, tuple[str, ...]] = {
    "train": ("teacher",),
}
