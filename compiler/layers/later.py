"""Words of the language whose layers are not there yet: known, so that a spec that uses one is told just that."""

LATER: dict[str, str] = {}
"""word -> what it will do"""

LATER_SORTS: dict[str, str] = {}

LATER_ENTRIES: dict[str, tuple[str, ...]] = {}
