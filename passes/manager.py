"""Passes and pipelines: what a pass is, the text of a pipeline, and running one with hooks around every pass.

    run_pipeline(module, "canonicalize,cse,fusion{max_ops=16}", hooks=[Timing(), VerifyEach()])

A pass named `cse` lives in `irc/passes/cse.py` and is found there when a pipeline names it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, get_type_hints

from irc.dialects.builtin import Module
from irc.dialects.func import Func
from irc.errors import IrcError
from irc.ir.attributes import StringAttr
from irc.ir.locations import Location
from irc.ir.operation import Operation
from irc.ir.rewriting import RewriteLog
from irc.passes.extents.written import named, written

PIPELINE_ATTRIBUTE = "irc.pipeline"
"""The module attribute that holds the pipeline which is still to run (design: re-entry)."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a pass decided and why: "not fused: used by a contraction". `location` is the op it is about."""

    pass_name: str
    message: str
    location: Location


@dataclass
class Context:
    """What a pass reports while it runs: the rewrites that fired, and remarks."""

    rewrites: RewriteLog = field(default_factory=RewriteLog)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(frozen=True)
class Pass(ABC):
    """Module -> Module. A subclass is a frozen dataclass: its fields (bool, int, float, str) are the pass's options.

    @dataclass(frozen=True)
    class Fusion(Pass, name="fusion"):
        max_ops: int = 16
        def apply(self, module, context): ...
    """

    name: ClassVar[str] = ""

    def __init_subclass__(cls, name: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if name:
            cls.name = name
            _REGISTRY[name] = cls

    @abstractmethod
    def apply(self, module: Module, context: Context) -> Module:
        """The module after the pass: the same object when nothing changed."""

    def __str__(self) -> str:
        options = [
            f"{f.name}={_option_text(value)}"
            for f in fields(self)
            if (value := getattr(self, f.name)) != f.default
        ]
        return self.name + (f"{{{' '.join(options)}}}" if options else "")


class FunctionPass(Pass):
    """A pass that looks at one function at a time; declarations are left alone."""

    def apply(self, module: Module, context: Context) -> Module:
        return map_functions(module, lambda func: self.function(func, module, context))

    @abstractmethod
    def function(self, func: Func, module: Module, context: Context) -> Func:
        """The function after the pass: the same object when nothing changed."""


_REGISTRY: dict[str, type[Pass]] = {}


def map_functions(module: Module, change: Any) -> Module:
    """The module with `change(func)` for every function that has a body; the same object when none changed."""
    operations: list[Operation] = [
        change(op) if isinstance(op, Func) and not op.is_declaration else op for op in module.operations
    ]
    if all(a is b for a, b in zip(operations, module.operations, strict=True)):
        return module
    return module.with_operations(operations)


def pass_class(name: str) -> type[Pass]:
    """The pass of this name, loading `irc.passes.<name>` if need be; raises IrcError naming those there are."""
    if name not in _REGISTRY and name.isidentifier() and importlib.util.find_spec(f"irc.passes.{name}"):
        importlib.import_module(f"irc.passes.{name}")
    if name not in _REGISTRY:
        raise IrcError(f"there is no pass '{name}'", notes=("passes: " + ", ".join(pass_names()),))
    return _REGISTRY[name]


def pass_names() -> list[str]:
    """The names of all passes, sorted; loads them."""
    package = importlib.import_module("irc.passes")
    for entry in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"irc.passes.{entry.name}")
    return sorted(_REGISTRY)


# The text of a pipeline

_ITEM = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*(?:\{([^{}]*)\})?\s*(,|$)")

_READERS: dict[Any, Any] = {
    bool: lambda text: {"": True, "true": True, "false": False}[text],
    int: int,
    float: float,
    str: str,
    tuple[int, ...]: lambda text: tuple(int(part) for part in text.split(",") if part),
    tuple[str, ...]: lambda text: tuple(part for part in text.split(",") if part),
}
"""Types of options; a list is written with commas."""


def parse_pipeline(text: str) -> tuple[Pass, ...]:
    """The passes of `"a,b{x=1 y=2,3}"`: options are separated by spaces, and a bare name means true."""
    passes: list[Pass] = []
    at = 0
    while text[at:].strip():
        item = _ITEM.match(text, at)
        if item is None:
            raise IrcError(
                f"a pipeline is 'pass,pass{{option=value}}'; this is not, from character {at + 1}: {text[at:]!r}"
            )
        passes.append(_make(item[1], item[2] or ""))
        at = item.end()
    return tuple(passes)


def pipeline_text(passes: Iterable[Pass]) -> str:
    """What `parse_pipeline` reads back; options equal to their defaults are left out."""
    return ",".join(map(str, passes))


def _make(name: str, options: str) -> Pass:
    cls = pass_class(name)
    hints = get_type_hints(cls)
    known = {f.name: hints[f.name] for f in fields(cls)}
    values: dict[str, Any] = {}
    for part in options.split():
        key, _, value = part.partition("=")
        if key not in known:
            raise IrcError(f"pass '{name}' has no option '{key}'", notes=("options: " + ", ".join(known),))
        try:
            values[key] = _READERS[known[key]](value)
        except (ValueError, KeyError):
            kind = getattr(known[key], "__name__", str(known[key]))
            raise IrcError(f"option '{key}' of pass '{name}' takes {kind}, not '{value}'") from None
    return cls(**values)


def _option_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


# Running


@dataclass
class Step:
    """One run of one pass, as hooks see it. `after` and `seconds` are set once it has run."""

    index: int
    this: Pass
    remaining: tuple[Pass, ...]
    """This pass and those after it."""
    before: Module
    context: Context
    after: Module | None = None
    seconds: float = 0.0


class Hook:
    """Called around every pass; what passes do not know about belongs here (printing, timing, checking)."""

    def begin(self, module: Module, passes: Sequence[Pass]) -> None:
        """Before the first of the passes."""

    def after(self, step: Step) -> None:
        """After a pass has run."""

    def failed(self, step: Step, error: BaseException) -> None:
        """After a pass, or a hook that checks it, has raised; the error is raised again afterwards."""


def run_pipeline(module: Module, pipeline: str | Sequence[Pass], hooks: Sequence[Hook] = ()) -> Module:
    """The module after all passes of the pipeline (its text, or the passes)."""
    passes = parse_pipeline(pipeline) if isinstance(pipeline, str) else tuple(pipeline)
    module = named(module)
    for hook in hooks:
        hook.begin(module, passes)
    for i, this in enumerate(passes):
        step = Step(i, this, passes[i:], module, Context())
        try:
            start = time.perf_counter()
            step.after = module = this.apply(module, step.context)
            step.seconds = time.perf_counter() - start
            for hook in hooks:
                hook.after(step)
        except Exception as error:
            for hook in hooks:
                hook.failed(step, error)
            raise
    return module


def with_pipeline(module: Module, passes: Sequence[Pass]) -> Module:
    """The module carrying what is still to run as its attribute `irc.pipeline`."""
    module = written(module)
    attributes = {**module.attributes, PIPELINE_ATTRIBUTE: StringAttr(pipeline_text(passes))}
    return Module.create((), (), attributes, module.regions, module.location)


def take_pipeline(module: Module) -> tuple[Module, str]:
    """The module without `irc.pipeline`, and the pipeline's text ("" where there is none)."""
    attributes = dict(module.attributes)
    text = attributes.pop(PIPELINE_ATTRIBUTE, None)
    if not isinstance(text, StringAttr):
        return module, ""
    return Module.create((), (), attributes, module.regions, module.location), text.value


def replay(module: Module, hooks: Sequence[Hook] = ()) -> Module:
    """Runs the pipeline that a dump or a reproducer carries."""
    bare, text = take_pipeline(module)
    return run_pipeline(bare, text, hooks)
