"""irc.custom_vjp and irc.custom_jvp: functions of tensors that say what their derivative is, in any frontend."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.compile import flatten, unflatten
from irc.frontends.custom import Gradients, is_differentiated, is_float, with_gradient, with_tangent
from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.recorder.storage import Handle, located


class _Custom:
    """A function that stands for itself until somebody may ask for its gradient."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        functools.update_wrapper(self, function)  # type: ignore[arg-type]
        self.function = function
        self.fixed = tuple(nondiff_argnums)
        self.name = getattr(function, "__name__", "custom")

    def _split(
        self, args: Sequence[Any]
    ) -> tuple[list[Handle], list[Any], Callable[[Sequence[Handle]], list[Any]]]:
        """The tensors in the differentiable arguments, the structures of these, and the arguments again with other
        tensors."""
        handles: list[Handle] = []
        structures = [
            None if i in self.fixed else flatten(a, handles, leaves=True) for i, a in enumerate(args)
        ]

        def again(tensors: Sequence[Handle]) -> list[Any]:
            each = iter(tensors)
            return [
                a if i in self.fixed else unflatten(s, each)
                for i, (a, s) in enumerate(zip(args, structures, strict=True))
            ]

        return handles, structures, again

    def _undefined(self, what: str) -> Exception:
        return located(RecordError(f"{self.name} has no rule yet: call {self.name}.{what}"))


class custom_vjp(_Custom):
    """A function whose gradient is what two others say: `f.defvjp(forward, backward)`.

    `forward(*args)` gives (result, residuals), `backward(residuals, gradient of the result)` gives a tuple with the gradient
    of each argument, in its structure; None is zero. Arguments numbered by `nondiff_argnums` are any Python values, and go to
    `backward` first. A gradient of the gradient is that of what `forward` and `backward` compute."""

    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Says how the function is differentiated."""
        self.forward, self.backward = forward, backward

    def __call__(self, *args: Any) -> Any:
        if self.forward is None or self.backward is None:
            raise self._undefined("defvjp(forward, backward)")
        forward, backward = self.forward, self.backward
        handles, structures, again = self._split(args)
        if not is_differentiated(handles):
            return self.function(*args)
        fixed = [args[i] for i in self.fixed]

        def run(*tensors: Handle) -> tuple[Any, Callable[[list[Handle | None]], Gradients]]:
            result, residuals = forward(*again(tensors))
            structure = flatten(result, [], leaves=True)

            def reverse(upstream: list[Handle | None]) -> Gradients:
                given = backward(*fixed, residuals, unflatten(structure, iter(upstream)))
                moving = [s for i, s in enumerate(structures) if i not in self.fixed]
                return self._listed(given, moving), []

            return result, reverse

        return with_gradient(self.name, run, handles)

    def _listed(self, given: Any, structures: Sequence[Any]) -> list[Handle | None]:
        """What `backward` gave, one for each tensor."""
        if not isinstance(given, (tuple, list)) or len(given) != len(structures):
            message = f"the backward of {self.name} gives a tuple of {len(structures)}, one gradient for each argument"
            raise located(RecordTypeError(message))
        found: list[Handle | None] = []
        for g, structure in zip(given, structures, strict=True):
            tensors: list[Handle] = []
            wanted: list[Any] = []
            unflatten(structure, _counting(wanted))
            if g is None:
                found += [None] * len(wanted)
            elif flatten(g, tensors, leaves=True) == structure:
                found += tensors
            else:
                raise located(
                    RecordTypeError(f"a gradient of {self.name} has another structure than its argument")
                )
        return found


def _counting(seen: list[Any]) -> Any:
    """Gives as many things as are asked for, and notes them."""
    while True:
        seen.append(None)
        yield None


class custom_jvp(_Custom):
    """A function whose derivative is what another says: `@f.defjvp` above `rule(primals, tangents)`, which gives (result,
    how it moves), linear in the tangents. Reverse mode transposes it.

    The tangent of an argument that is no floating-point tensor is None. Arguments numbered by `nondiff_argnums` are any
    Python values, and go to the rule first."""

    rule: Callable[..., Any] | None = None
    known: tuple[list[Handle], Any] | None = None
    """While its rule runs: the tensors it runs for, and the result of these."""

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Says how the function's result moves; gives the rule back."""
        self.rule = rule
        return rule

    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """A rule for each argument: `rule(tangent, result, *primals)` is its part of how the result moves; None is zero."""

        def total(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
            result = self.function(*primals)
            parts = [
                r(t, result, *primals)
                for r, t in zip(rules, tangents, strict=True)
                if r is not None and t is not None
            ]
            return result, functools.reduce(lambda a, b: a + b, parts) if parts else result * 0

        self.rule = total

    def __call__(self, *args: Any) -> Any:
        if self.rule is None:
            raise self._undefined("defjvp(rule)")
        rule = self.rule
        handles, _, again = self._split(args)
        if self.known is not None:
            return self._inside(handles, args)
        if not is_differentiated(handles):
            return self.function(*args)
        fixed = [args[i] for i in self.fixed]
        moving = [is_float(h._read().type) for h in handles]

        def moved(primals: list[Handle], tangents: list[Handle], result: Any) -> list[Handle]:
            each = iter(tangents)
            every: list[Any] = [next(each) if m else None for m in moving]
            pair = [
                tuple(a for i, a in enumerate(again(ts)) if i not in self.fixed) for ts in (primals, every)
            ]
            before, self.known = self.known, (primals, result)
            try:
                _, tangent = rule(*fixed, *pair)
            finally:
                self.known = before
            found: list[Handle] = []
            flatten(tangent, found, leaves=True)
            return found

        return with_tangent(self.name, lambda *tensors: self.function(*again(tensors)), moved, handles)

    def _inside(self, handles: Sequence[Handle], args: Sequence[Any]) -> Any:
        """A call from the function's own rule: of the same tensors, it is the result that is differentiated."""
        assert self.known is not None
        tensors, result = self.known
        same = len(tensors) == len(handles) and all(a is b for a, b in zip(tensors, handles, strict=True))
        return result if same else self.function(*args)
