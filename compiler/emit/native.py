"""A plan as a Python program that calls kernels of its own: their text stands before `bind`, and Numba compiles it.

What no kernel covers is left as it is with NumPy. The spec's lines are comments, as there.
"""

from __future__ import annotations

from compiler.emit.formulas import passes
from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.emit.numpy import Writer
from compiler.plan.plan import Call, Loop, Moving, Place, Plan, Positions, Step

WORTH = 2
"""Passes over memory: one alone NumPy does as well."""


def emit_native(plan: Plan) -> str:
    """As `compiler.emit.numpy.emit`; k has `native(name, *p)` too, which gives a kernel of that name with its p."""
    return _Writer(plan).program()


class _Writer(Writer):
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.kernels: dict[str, str] = {}
        """Text -> name."""
        self.of: dict[str, str] = {}
        """Name -> the line that it is of first."""
        self.parts: dict[str, Moving] = {}

    def program(self) -> str:
        program = super().program()
        texts = [
            f"# {self.of[name]}\n{text.replace('def kernel(', f'def {name}(', 1)}"
            for text, name in self.kernels.items()
        ]
        return "\n\n".join([*texts, program])

    def step(self, step: Step, heading: str) -> None:
        line = self.compute(step, heading)
        if line is None:
            super().step(step, heading)
        else:
            self.body.append(line)

    def positions(self, loop: Positions, heading: str) -> None:
        self.parts = {m.part.name: m for m in loop.moving}
        super().positions(loop, heading)
        self.parts = {}

    def inner(self, step: Step) -> list[str]:
        line = self.compute(step, "")
        return super().inner(step) if line is None else [line]

    def compute(self, step: Step, heading: str) -> str | None:
        """The call of a kernel that does all of a step."""
        calls = [work for work in step.work if isinstance(work, Call)]
        parts: dict[str, Place] = {}
        if len(calls) < len(step.work):
            loop = step.work[-1]
            if not isinstance(loop, Loop) or len(step.work) > 1:
                return None
            calls, parts = [*loop.body], dict(loop.parts)
        if sum(passes(call) for call in calls) < WORTH:
            return None
        kernel = elementwise_kernel(calls, parts, self.parts)
        out = calls[-1].out
        if kernel is None or not isinstance(out, Place):
            return None
        return self.called(kernel, parts.get(out.name, out), heading)

    def called(self, kernel: Kernel, out: Place, heading: str) -> str:
        """Binds the kernel with its arguments, and the line that runs it."""
        name = self.kernels.setdefault(kernel.text, f"kernel_{len(self.kernels) + 1}")
        self.of.setdefault(name, heading or "in a loop over positions")
        given = [x if isinstance(x, int) else self.text(x) for x in kernel.arguments]
        moves = any(isinstance(x, Place) and self.moves(x) for x in kernel.arguments)
        views = self.seen if moves else self.bound
        bound = f"compute_{out.name}"
        while bound in self.seen or bound in self.bound:
            bound += "_"
        views[bound] = f'k.native("{name}", {", ".join(map(str, given))})'
        return f"{bound}()"
