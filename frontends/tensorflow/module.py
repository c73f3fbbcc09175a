"""tf.Module: an object that knows the variables and modules among its attributes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.variable import Variable


class Module:
    """Base of objects with variables."""

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = re.sub(
                r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])", r"_\1\2", type(self).__name__
            ).lower()
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise located(
                RecordValueError(
                    f"{name!r} is not a valid module name. Module names must be valid Python identifiers."
                )
            )
        self._name = name

    @property
    def name(self) -> str:
        """The module's name, the class's in snake_case by default."""
        return self.__dict__.get("_name", type(self).__name__.lower())

    @property
    def name_scope(self) -> Any:
        """A context for names, which are not kept in eager programs."""
        return name_scope(self.name)

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """Accepted: names are for people here."""
        return method

    @property
    def variables(self) -> tuple[Any, ...]:
        """Its variables, then those of the modules it has, attributes in alphabetical order."""
        return tuple(_variables(self, {}))

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that training changes, of this module and those in it."""
        return tuple(v for v in self.variables if v.trainable)

    @property
    def non_trainable_variables(self) -> tuple[Any, ...]:
        """The other variables."""
        return tuple(v for v in self.variables if not v.trainable)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """All modules below this one."""
        found: dict[int, Any] = {}

        def walk(module: Any) -> None:
            for leaf in _leaves(module):
                if isinstance(leaf, Module) and id(leaf) not in found:
                    found[id(leaf)] = leaf
                    walk(leaf)

        walk(self)
        return tuple(found.values())

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


_HIDDEN = ("_irc_functions", "_irc_methods")


def _leaves(module: Any) -> Iterator[Any]:
    """What the attributes hold, in lists and dicts, too."""
    for key in sorted(vars(module)):
        if key not in _HIDDEN:
            yield from _inside(vars(module)[key])


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from _inside(value[key])
    elif nest.is_nested(value):
        for item in value:
            yield from _inside(item)
    else:
        yield value


def _variables(module: Any, seen: dict[int, Any]) -> Iterator[Any]:
    below = []
    for leaf in _leaves(module):
        if id(leaf) in seen:
            continue
        if isinstance(leaf, Variable):
            seen[id(leaf)] = leaf
            yield leaf
        elif isinstance(leaf, Module) or (
            hasattr(type(leaf), "trainable_variables") and hasattr(type(leaf), "variables")
        ):
            seen[id(leaf)] = leaf
            below.append(leaf)
    for leaf in below:
        if isinstance(leaf, Module) and type(leaf).variables is Module.variables:
            yield from _variables(leaf, seen)
        else:
            for v in leaf.variables:
                if id(v) not in seen:
                    seen[id(v)] = v
                    yield v


@contextmanager
def name_scope(name: str, default_name: Any = None, values: Any = None) -> Iterator[str]:
    """A name for what is made inside; locations show modules instead."""
    yield f"{name}/"
