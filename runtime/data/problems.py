"""What is wrong with the data, gathered, so that one run tells of several rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from dsl.errors import DataError, Diagnostic

MOST = 20
"""Errors after which reading stops: a file of the wrong kind is wrong in every row."""


@dataclass
class Problems:
    """Errors found so far, and warnings."""

    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def add(self, error: Diagnostic) -> None:
        """Raises DataError with all of them when there are enough."""
        self.errors.append(error)
        if len(self.errors) >= MOST:
            self.check()

    def warn(self, warning: Diagnostic) -> None:
        self.warnings.append(warning)

    def check(self) -> None:
        """Raises DataError when there was any error."""
        if self.errors:
            raise DataError(self.errors)
