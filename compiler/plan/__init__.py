"""Plans: which step does what, and where in memory each value is."""

from compiler.plan.make import make_plan
from compiler.plan.plan import Plan
from compiler.plan.show import show

__all__ = ["Plan", "make_plan", "show"]
