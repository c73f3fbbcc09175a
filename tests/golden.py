"""What a golden file is: a question in its first line, a program, and what irc makes of it.

    // RUN: opt canonicalize,cse -- x + 0 is x
    func.func @main(...) { ... }
    // GIVES
    module { ... }

The word after RUN says what is done: `opt PIPELINE` runs passes (and compares the meaning of both programs, by the
interpreter on random inputs), `print` reads and prints, `error` reads and verifies a program that is wrong, and holds the
message as a comment; `grad PIPELINE` runs passes that add gradients of the first result, and checks these by finite
differences; `kernels` shows what the one fused function @main becomes; `explain` gives the tables
of `irc explain`. After `--` stands the question. Further verbs are registered in VERBS."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from irc.cli.collecting import Collector
from irc.cli.explain import tables
from irc.codegen.lower import lower_group
from irc.dialects.builtin import Module, parse, print_module
from irc.driver import compile_module, observing
from irc.errors import IrcError, UnsupportedError
from irc.interpreter import interpret
from irc.passes.grad import Grad
from irc.passes.manager import parse_pipeline, run_pipeline

RUN = "// RUN: "
GIVES = "// GIVES\n"


class GoldenMismatch(AssertionError):
    """A golden file does not hold what irc gives now."""


@dataclass
class GoldenCase:
    path: Path
    verb: str
    argument: str
    head: str
    """The first line."""
    program: str
    wanted: str | None

    @staticmethod
    def read(path: Path) -> GoldenCase:
        head, _, rest = path.read_text().partition("\n")
        assert head.startswith(RUN), f"{path}: the first line starts with '{RUN}'"
        command = head.removeprefix(RUN).partition(" -- ")[0]
        verb, _, argument = command.strip().partition(" ")
        assert verb in VERBS, f"{path}: '{verb}' is none of {', '.join(VERBS)}"
        program, gives, wanted = rest.partition(GIVES)
        return GoldenCase(path, verb, argument.strip(), head, program, wanted if gives else None)

    def result(self) -> str:
        return VERBS[self.verb](self)

    def check(self) -> None:
        """Compares texts; the verb itself has compared meanings."""
        given = self.result()
        if given == self.wanted:
            return
        lines = difflib.unified_diff(
            (self.wanted or "").splitlines(), given.splitlines(), "golden", "now", lineterm=""
        )
        listed = "\n".join(lines)
        raise GoldenMismatch(
            f"{self.head}\n{listed}\n\nIf this is right, accept it: pytest --update-golden {self.path}"
        )

    def rewrite(self) -> None:
        text = f"{self.head}\n{self.program}{GIVES}{self.result()}"
        if text != self.path.read_text():
            self.path.write_text(text)

    def module(self) -> Module:
        # The first line is part of the file: errors and locations count from it.
        return parse(f"{self.head}\n{self.program}", self.path.name)


def opt(case: GoldenCase) -> str:
    before = case.module()
    after = run_pipeline(before, case.argument)
    after.verify()
    same_meaning(before, after)
    return print_module(after, locations=False)


def printed(case: GoldenCase) -> str:
    module = case.module()
    text = print_module(module)
    again = print_module(parse(text))
    assert again == text, f"what was printed does not print the same again:\n{again}"
    return text


def error(case: GoldenCase) -> str:
    try:
        case.module()
    except IrcError as e:
        return "".join(f"// {line}".rstrip() + "\n" for line in str(e).splitlines())
    raise GoldenMismatch(f"{case.head}\nthe program was accepted, and an error is wanted")


def grad(case: GoldenCase) -> str:
    """The arguments are f64, so that differences are exact enough."""
    before = case.module()
    after = run_pipeline(before, case.argument)
    after.verify()
    arrays = [random_input(a.type, i) for i, a in enumerate(before.symbols["main"].arguments)]  # type: ignore[attr-defined]
    value, *gradients = interpret(after, *arrays)
    np.testing.assert_allclose(value, interpret(before, *arrays)[0], 1e-12, err_msg="the value changed")
    wrt = next(p.wrt for p in parse_pipeline(case.argument) if isinstance(p, Grad))
    wrt = wrt or tuple(i for i, a in enumerate(arrays) if a.dtype.kind == "f")
    for i, gradient in zip(wrt, gradients, strict=True):
        step = 1e-5 * np.random.default_rng(i).standard_normal(arrays[i].shape)
        there, back = ([*arrays[:i], arrays[i] + sign * step, *arrays[i + 1 :]] for sign in (1, -1))
        slope = interpret(before, *there)[0] - interpret(before, *back)[0]
        np.testing.assert_allclose(2 * (gradient * step).sum(), slope, 1e-5, 1e-9, err_msg=f"gradient {i}")
    return print_module(after, locations="loc(" in case.program)


def kernels(case: GoldenCase) -> str:
    """@main is one fused function; its kernels are shown, and run inside the whole program."""
    module = case.module()
    main: Any = module.symbols["main"]
    arrays = [random_input(a.type, i) for i, a in enumerate(main.arguments)]
    for given, wanted in zip(compile_module(module)(*arrays), interpret(module, *arrays), strict=True):
        np.testing.assert_allclose(given, wanted, 1e-5, 1e-6)
    return print_module(Module.of(lower_group(main).functions), locations=False)


def explain(case: GoldenCase) -> str:
    """The tables of `irc explain`, without times."""
    collector = Collector()
    with observing(collector):
        compile_module(case.module())
    return "".join(f"// {line}".rstrip() + "\n" for line in tables(collector.programs[0], None).splitlines())


VERBS: dict[str, Callable[[GoldenCase], str]] = {
    "opt": opt, "print": printed, "error": error, "grad": grad, "kernels": kernels, "explain": explain,
}  # fmt: skip


def same_meaning(before: Module, after: Module, entry: str = "main") -> None:
    """Both modules give the same results on random inputs; nothing is compared where the interpreter refuses an op."""
    function = before.symbols.get(entry)
    if function is None or function.is_declaration:  # type: ignore[attr-defined]
        return
    arrays = [random_input(a.type, i) for i, a in enumerate(function.arguments)]  # type: ignore[attr-defined]
    if any(a is None for a in arrays):
        return
    try:
        wanted = interpret(before, *arrays)
        given = interpret(after, *arrays)
    except UnsupportedError:
        return
    assert len(wanted) == len(given), f"{len(wanted)} results became {len(given)}"
    for i, (w, g) in enumerate(zip(wanted, given, strict=True)):
        if w.dtype.kind in "fc" or w.dtype.kind == "V":
            np.testing.assert_allclose(
                g.astype(np.complex128), w.astype(np.complex128), 1e-5, 1e-6, err_msg=f"result {i}"
            )
        else:
            np.testing.assert_array_equal(g, w, err_msg=f"result {i}")


def random_input(type: Any, index: int) -> Any:
    """A fixed random array of a tensor type; unknown extents are 3. None for what no array holds."""
    if not hasattr(type, "element") or not hasattr(type.element, "numpy"):
        return None
    shape = tuple(3 if d is None else d for d in type.shape)
    dtype = type.element.numpy
    random = np.random.default_rng(zlib.crc32(str(type).encode()) + index)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu" or dtype.name.startswith(("int", "uint")):
        return random.integers(0, 4, shape).astype(dtype)
    if dtype.kind == "c":
        return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(dtype)
    return random.standard_normal(shape).astype(dtype)
