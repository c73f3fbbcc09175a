"""no_grad, enable_grad, set_grad_enabled, inference_mode: whether operations are recorded for gradients."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from irc.frontends.recorder.graph import recorder


class _Mode:
    """A context and a decorator that sets the mode for a while."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> _Mode:
        self._before.append(recorder.grad_enabled)
        recorder.grad_enabled = self.enabled
        return self

    def __exit__(self, *exc: Any) -> None:
        recorder.grad_enabled = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def steps(*args: Any, **kwargs: Any) -> Iterator[Any]:
                generator = function(*args, **kwargs)
                while True:
                    with type(self)._again(self):
                        try:
                            item = next(generator)
                        except StopIteration:
                            return
                    yield item

            return steps

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with type(self)._again(self):
                return function(*args, **kwargs)

        return run

    def _again(self) -> _Mode:
        return _Mode(self.enabled)


class _Decorator(_Mode):
    """A mode that decorates with and without parentheses; `inside` is what it sets."""

    inside: ClassVar[bool]

    def __new__(cls, function: Any = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        cls.__init__(made)
        return made(function)

    def __init__(self, function: Any = None) -> None:
        super().__init__(self.inside)


class no_grad(_Decorator):
    """Operations inside are not recorded for gradients."""

    inside = False


class enable_grad(_Decorator):
    """Operations inside are recorded for gradients, inside no_grad too."""

    inside = True


class set_grad_enabled(_Mode):
    """Sets the mode at once; as a context, until it ends."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._former = recorder.grad_enabled
        recorder.grad_enabled = mode

    def __enter__(self) -> set_grad_enabled:
        self._before.append(self._former)
        recorder.grad_enabled = self.enabled
        return self


class inference_mode(_Mode):
    """The same as no_grad here."""

    def __new__(cls, mode: Any = True) -> Any:
        made = super().__new__(cls)
        if not callable(mode):
            return made
        cls.__init__(made)
        return made(mode)

    def __init__(self, mode: Any = True) -> None:
        super().__init__(not mode if isinstance(mode, bool) else False)


def is_grad_enabled() -> bool:
    return recorder.grad_enabled
