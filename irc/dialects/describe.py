"""An op's reference page, from its declaration alone: what `irc ops NAME` prints and the documentation table holds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from irc.errors import UnsupportedError
from irc.ir.fields import Attr, Operand
from irc.ir.operation import Operation, all_operations, registered

Concern = Callable[[type[Operation]], str]
"""Says in a few words what a part of the compiler knows of an op: "yes", "no gradient: ...", "refused"."""

_LABEL = re.compile(r"(C\d+): (.*)")


def op_names(dialect: str = "") -> list[str]:
    """Names of registered ops, sorted; of one dialect when named."""
    return sorted(name for name, cls in all_operations().items() if dialect in ("", cls.dialect))


def constraints(cls: type[Operation]) -> dict[str, str]:
    """Constraint labels and texts, in the order of their numbers, from the docstrings of the class and its bases.

    A class that states a label again states it for itself."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        label = ""
        for line in inspect.cleandoc(base.__dict__.get("__doc__") or "").splitlines():
            match = _LABEL.match(line.strip())
            if match:
                label = match[1]
                found[label] = match[2]
            elif label and line.startswith(" "):
                found[label] += " " + line.strip()
            else:
                label = ""
    return dict(sorted(found.items(), key=lambda item: int(item[0][1:])))


def meaning(cls: type[Operation]) -> str:
    """The docstring up to its constraints."""
    lines = inspect.cleandoc(cls.__dict__.get("__doc__") or "").splitlines()
    before = [i for i, line in enumerate(lines) if _LABEL.match(line.strip())]
    return "\n".join(lines[: before[0]] if before else lines).strip()


def describe(name: str, concerns: Mapping[str, Concern] | None = None) -> str:
    """The page of one op. `concerns` adds a line each: the parts of the compiler above this one bring their registries.

    Raises UnsupportedError, with names that are near, for an op that does not exist."""
    cls = registered(name) or registered(f"stablehlo.{name}")
    if cls is None:
        near = [known for known in op_names() if name.rpartition(".")[2] in known]
        raise UnsupportedError(f"there is no op '{name}'", notes=tuple(near[:8]))
    sections = [cls.name, meaning(cls), _fields(cls), _constraint_lines(cls), _assembly(cls), _flags(cls)]
    sections.append("\n".join(_concern_lines(cls, concerns or {})))
    return "\n\n".join(section for section in sections if section) + "\n"


def _fields(cls: type[Operation]) -> str:
    rows = [("operand", f.name, _operand_text(cls, f)) for f in cls.operand_fields]
    rows += [("attribute", key, _attribute_text(f)) for key, f in cls.attribute_fields.items()]
    rows += [("region", f.name, "any number" if f.variadic else "") for f in cls.region_fields]
    rows += [("result", f.name, "" if f.is_single else "any number") for f in cls.result_fields]
    width = max((len(name) for _, name, _ in rows), default=0)
    return "\n".join(f"{kind:<10}{name:<{width}}  {text}".rstrip() for kind, name, text in rows)


def _operand_text(cls: Any, field: Operand) -> str:
    kinds = field.constraint or " ".join(getattr(cls, "domain", ()))
    count = "any number of " if field.variadic else "optional, " if field.optional else ""
    return f"{count}{kinds}".strip()


def _attribute_text(field: Attr) -> str:
    words = f" ({' '.join(field.codec.keywords)})" if field.codec.keywords else ""
    default = (
        f", default {field.default}" if field.default is not None else ", optional" if field.optional else ""
    )
    return f"{field.codec.name}{words}{default}"


def _constraint_lines(cls: type[Operation]) -> str:
    return "\n".join(f"{label + ':':<5}{text}" for label, text in constraints(cls).items())


def _assembly(cls: type[Operation]) -> str:
    return f"assembly: {cls.assembly}" if cls.assembly else "assembly: the generic form"


def _flags(cls: type[Operation]) -> str:
    flags = ("pure", "commutative", "elementwise", "terminator")
    return ", ".join(flag for flag in flags if getattr(cls, flag, False))


def _concern_lines(cls: type[Operation], concerns: Mapping[str, Concern]) -> list[str]:
    reference = "yes" if hasattr(cls, "evaluate") else "none"
    return [f"reference: {reference}", *(f"{name}: {concern(cls)}" for name, concern in concerns.items())]
