"""A plan as a Python program that calls kernels of its own: their text stands before `bind`, and Numba compiles it.

Kernels one after the other are one call. What no kernel covers is left as it is with NumPy. The spec's lines are
comments, as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from compiler.emit.calls import call_kernels
from compiler.emit.costs import cost
from compiler.emit.dense_updates import dense_updates
from compiler.emit.formulas import has_formula
from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.emit.numpy import Writer, line_of
from compiler.emit.pieces import Done, Joined, by_rows, loop_piece, piece
from compiler.emit.rests import read_behind
from compiler.emit.row_chains import row_chains
from compiler.emit.row_kernel import row_kernel
from compiler.emit.runs import Run, show_runs
from compiler.emit.split import Split
from compiler.emit.together import Listed, Piece, together
from compiler.emit.updates import row_updates
from compiler.ir.graph import Node
from compiler.ops.elementwise import Select
from compiler.ops.shape import Concat
from compiler.plan.plan import Call, Loop, Moving, Place, Plan, Positions, Step, Where

Found = list[Done]


def emit_native(plan: Plan, threads: int = 1) -> str:
    """As `compiler.emit.numpy.emit`; k has more functions.

    `native(name, *p)` gives the call of the kernel of that name with its p, `chain(calls)` one call of many such;
    `shared(name, split, *p)` a call a thread, `chains(calls)` one of many such, `together(lists)` one call of a list
    for each thread.
    """
    return NativeWriter(plan, threads).program()


def show_threads(plan: Plan, threads: int) -> str:
    """What each thread does of a step, as a table for `nnc inspect --stage plan --kernels fast`."""
    writer = NativeWriter(plan, threads)
    writer.program()
    return show_runs(writer.runs, threads)


class NativeWriter(Writer):
    def __init__(self, plan: Plan, threads: int) -> None:
        super().__init__(plan)
        self.threads = threads
        self.pieces: dict[str, Piece] = {}
        """By the name of the call."""
        self.shared: dict[str, dict[str, str]] = {}
        """By the name of a call, what is bound instead where the threads share it."""
        self.runs: list[Run] = []
        self.kernels: dict[str, str] = {}
        """Text -> name."""
        self.of: dict[str, str] = {}
        """Name -> the line that it is of first."""
        self.parts: dict[str, Moving] = {}
        loops = row_updates(plan)
        self.all_read = read_behind(plan, loops)
        self.updates = {node: loop for node, loop in loops.items() if node not in self.all_read}
        dense = dense_updates(plan)
        self.joined = dense | row_chains(plan, self.until(dense))
        """By the node of each step that is a part of a kernel of several: where that runs, else None."""
        self.owned = plan.owned
        self.owner: int | None = None
        """The thread of the step."""
        self.behind = True
        """Whether what stands behind the rows that there are is read, and has to be zeros."""
        self.native: set[str] = set()
        """Lines that only call a kernel, or a loop of such."""

    def until(self, dense: Mapping[Node, Joined | None]) -> dict[Node, int]:
        """Of the steps that are done where another one is, the number of that one."""
        place = {step.node: i for i, step in enumerate(self.plan.steps)}
        groups = {node: update.nodes for node, update in dense.items() if update is not None}
        groups |= {node: loop.nodes for node, loop in self.updates.items() if loop.calls}
        return {n: place[node] for node, nodes in groups.items() for n in nodes}

    def program(self) -> str:
        program = super().program()
        texts = [
            f"# {self.of[name]}\n{text.replace('def kernel(', f'def {name}(', 1)}"
            for text, name in self.kernels.items()
        ]
        return "\n\n".join([*texts, program])

    def lines(self) -> list[str]:
        """Neighbours that only call kernels become one line; the comments between them come before it."""
        found: list[str] = []
        run: list[str] = []
        comments: list[str] = []
        for line in [*self.body, "end"]:
            if line in self.native:
                found += [c for c in comments if c or run or found]
                run, comments = [*run, line.removesuffix("()")], []
            elif line.startswith("#") or not line:
                comments.append(line)
            else:
                found += [*self.run(run), *comments, line]
                run, comments = [], []
        return found[:-1]

    def run(self, names: list[str]) -> list[str]:
        pieces = [self.pieces[name] for name in names]
        lists = together(pieces, self.threads)
        self.runs += [(pieces, lists)] if pieces else []
        for name in {item[0] for each in lists or () for item in each if isinstance(item, tuple)}:
            if isinstance(name, str):
                self.bound |= self.shared[name]
        call = self.one_call(names, lists) if names else ""
        if call in names or not call:
            return [f"{name}()" for name in names]
        number = sum(name.startswith("run_") for name in self.bound) + 1
        self.bound[f"run_{number}"] = call
        return [f"run_{number}()"]

    def one_call(self, names: Sequence[str], lists: Sequence[Sequence[Listed]] | None) -> str:
        """What calls all of these, as lists say or else one after the other."""
        if lists is None:
            return names[0] if len(names) == 1 else f"k.chain([({', '.join(names)})])"
        each = ", ".join(f"[{', '.join(map(listed, items))}]" for items in lists)
        return f"k.together([{each}])"

    def step(self, step: Step, heading: str) -> None:
        self.owner = self.owned.get(step.node)
        if step.node in self.updates:
            loop = self.updates[step.node]
            calls = loop.calls
            self.add([Done(row_kernel(loop.rows, calls), calls[-1].out, calls, cost(calls))] if calls else [], heading)
            return
        if step.node in self.joined:
            joined = self.joined[step.node]
            self.add([] if joined is None else [joined.done], heading)
            return
        self.behind = step.node in self.all_read
        for work in self.works(step):
            if isinstance(work, Positions):
                self.positions(work, heading)
                continue
            found = self.found(work)
            if found is not None:
                self.add(found, heading)
            elif isinstance(work, Loop):
                self.loop(work)
            else:
                self.body += [line for call in work for line in self.call(call)]

    def add(self, found: Found, heading: str) -> None:
        for done in found:
            self.added(done, heading)

    def added(self, done: Done, heading: str) -> str:
        """The name of its call."""
        line = self.called(done.kernel, done.out, heading)
        name = line.removesuffix("()")
        self.pieces[name] = replace(piece(name, done, self.plan, self.threads), owner=self.owner)
        if done.kernel.splits:
            self.shared[name] = {name: self.of_threads(done.kernel, done.kernel.splits[0])}
        self.native.add(line)
        self.body.append(line)
        return name

    def positions(self, loop: Positions, heading: str) -> None:
        self.parts = {m.part.name: m for m in loop.moving}
        self.moving, self.seen = {*self.parts}, {}
        found = self.whole(loop)
        if found is None:
            super().positions(loop, heading)
        else:
            splits = None if self.beside(loop) else by_rows(loop, found, self.plan, self.threads)
            names = [self.called(d.kernel, d.out, "in a loop over positions").removesuffix("()") for d in found]
            wholes, calls = self.wholes(loop), f"({', '.join(names)},)"
            self.bound[loop.name] = self.chain_of(loop, found, False, self.of_each(loop, wholes, calls))
            if splits is not None:
                shares = {n: self.of_threads(d.kernel, s) for n, d, s in zip(names, found, splits, strict=True)}
                self.seen |= {name: share for name, share in shares.items() if name in self.seen}
                chains = self.chain_of(loop, found, True, self.of_each(loop, wholes, calls))
                fixed = {name: share for name, share in shares.items() if name not in self.seen}
                self.shared[loop.name] = {**fixed, loop.name: chains}
            self.body += [*dict.fromkeys(f"# {line}" for s in loop.steps if (line := line_of(s)) is not None)]
            self.body.append(f"{loop.name}()")
            self.native.add(f"{loop.name}()")
            of_loop = loop_piece(loop, found, splits, self.plan, self.threads)
            self.pieces[loop.name] = replace(of_loop, owner=self.owner)
        self.parts, self.moving, self.seen = {}, set(), {}

    def chain_of(self, loop: Positions, found: Sequence[Done], shared: bool, each: str) -> str:
        """A call of all positions, or one a thread; each: a list with the calls of every position"""
        return f"k.{'chains' if shared else 'chain'}({each})"

    def beside(self, loop: Positions) -> bool:
        """Whether another loop needs nothing of it: each is a thread's then."""
        return any(loop.name in group for group in self.plan.independent)

    def whole(self, loop: Positions) -> Found | None:
        """The kernels of one position, if one does each work."""
        works: list[tuple[Step | None, tuple[Call, ...] | Loop | Positions]] = []
        works += [(step, work) for step in loop.steps for work in self.works(step)]
        works += [(None, (call,)) for call in loop.copies]
        works += [(None, (Call(Select(), new, (ended, old, new)),)) for ended, old, new in loop.held]
        found: Found = []
        for step, work in works:
            kernels = None if isinstance(work, Positions) else self.found(work)
            if kernels is None:
                return None
            found += [replace(done, step=step) for done in kernels]
        return found

    def works(self, step: Step) -> list[tuple[Call, ...] | Loop | Positions]:
        """The work of a step: calls that end in one result together, others one by one."""
        calls = tuple(work for work in step.work if isinstance(work, Call))
        others = [work for work in step.work if not isinstance(work, Call)]
        if isinstance(step.node.op, Concat) or others or not all(has_formula(call) for call in calls):
            return [*((call,) for call in calls), *others]
        return [calls] if calls else []

    def inner(self, step: Step) -> list[str]:
        lines: list[str] = []
        for work in self.works(step):
            assert isinstance(work, tuple)
            found = self.found(work)
            if found is None:
                lines += [line for call in work for line in self.call(call)]
            else:
                lines += [self.called(done.kernel, done.out, "") for done in found]
        return lines

    def found(self, work: tuple[Call, ...] | Loop) -> Found | None:
        """The kernels that do it."""
        if isinstance(work, Loop):
            kernel, parts = elementwise_kernel(work.body, dict(work.parts), self.parts), dict(work.parts)
            out = work.body[-1].out
            assert isinstance(out, Place)
            whole = parts.get(out.name, out)
            return (
                None if kernel is None else [Done(kernel, whole, (replace(work.body[-1], out=whole),), cost(work.body))]
            )
        if len(work) > 1:
            kernel = elementwise_kernel(work, moving=self.parts)
            if kernel is not None:
                return [Done(kernel, work[-1].out, work[-1:], cost(work))]
        found: Found = []
        for call in work:
            kernels = call_kernels(call, self.parts, self.behind)
            if kernels is None:
                return None
            found += [Done(kernel, call.out, (call,), cost([call]) / len(kernels)) for kernel in kernels]
        return found

    def called(self, kernel: Kernel, out: Where, heading: str) -> str:
        """Binds the kernel with its arguments, and the line that runs it."""
        name = self.kernels.setdefault(kernel.text, f"kernel_{len(self.kernels) + 1}")
        self.of.setdefault(name, heading or "in a loop over positions")
        given = [self.text(x) if isinstance(x, Place) else repr(x) for x in kernel.arguments]
        moves = any(isinstance(x, Place) and self.moves(x) for x in kernel.arguments)
        views = self.seen if moves else self.bound
        bound = f"compute_{self.text(out)}"
        while bound in self.seen or bound in self.bound:
            bound += "_"
        views[bound] = f'k.native("{name}", {", ".join(given)})'
        return f"{bound}()"

    def of_threads(self, kernel: Kernel, split: Split) -> str:
        """The same as a call a thread; the kernel is one that is bound."""
        given = [self.text(x) if isinstance(x, Place) else repr(x) for x in kernel.arguments]
        how = (split.cuts(self.threads), split.count, split.moves)
        return f'k.shared("{self.kernels[kernel.text]}", {how}, {", ".join(given)})'


def listed(item: Listed) -> str:
    """A call, or to wait for another thread."""
    if isinstance(item, str):
        return item
    name, number = item
    return f"{name}[{number}]" if isinstance(name, str) else f"({name}, {number})"
