"""A plan as a Python program that calls kernels of its own: their text stands before `bind`, and Numba compiles it.

What no kernel covers is left as it is with NumPy. The spec's lines are comments, as there.
"""

from __future__ import annotations

from compiler.emit.formulas import has_formula, passes
from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.emit.numpy import Writer, line_of
from compiler.emit.product import product_kernel
from compiler.ops.elementwise import Select
from compiler.ops.shape import Concat
from compiler.plan.plan import Call, Loop, Moving, Place, Plan, Positions, Step

WORTH = 2
"""Passes over memory: one alone NumPy does as well."""


def emit_native(plan: Plan) -> str:
    """As `compiler.emit.numpy.emit`; k has two functions more.

    `native(name, *p)` gives the call of the kernel of that name with its p, `chain(calls)` one call of many such.
    """
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
        self.moving, self.seen = {*self.parts}, {}
        names = self.whole(loop)
        if names is None:
            super().positions(loop, heading)
        else:
            each = self.of_each(loop, self.wholes(loop), f"({', '.join(names)},)")
            self.bound[loop.name] = f"k.chain({each})"
            self.body += [*dict.fromkeys(f"# {line}" for s in loop.steps if (line := line_of(s)) is not None)]
            self.body.append(f"{loop.name}()")
        self.parts, self.moving, self.seen = {}, set(), {}

    def whole(self, loop: Positions) -> list[str] | None:
        """The names of the calls of one position, if a kernel does each."""
        works = [*(w for s in loop.steps for w in self.works(s)), *((c,) for c in loop.copies)]
        works += [(Call(Select(), new, (ended, old, new)),) for ended, old, new in loop.held]
        found: list[tuple[Kernel, Place]] = []
        for calls in works:
            kernel = product_kernel(calls[0], self.parts) if len(calls) == 1 else None
            kernel = kernel or elementwise_kernel(calls, moving=self.parts)
            out = calls[-1].out if calls else None
            if kernel is None or not isinstance(out, Place):
                return None
            found.append((kernel, out))
        return [self.called(kernel, out, "in a loop over positions").removesuffix("()") for kernel, out in found]

    def works(self, step: Step) -> list[tuple[Call, ...]]:
        """The calls of a step: those that end in one result together, others one by one."""
        calls = tuple(work for work in step.work if isinstance(work, Call))
        if isinstance(step.node.op, Concat) or not all(has_formula(call) for call in calls):
            return [(call,) for call in calls]
        return [calls]

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
        given = [self.text(x) if isinstance(x, Place) else repr(x) for x in kernel.arguments]
        moves = any(isinstance(x, Place) and self.moves(x) for x in kernel.arguments)
        views = self.seen if moves else self.bound
        bound = f"compute_{out.name}"
        while bound in self.seen or bound in self.bound:
            bound += "_"
        views[bound] = f'k.native("{name}", {", ".join(given)})'
        return f"{bound}()"
