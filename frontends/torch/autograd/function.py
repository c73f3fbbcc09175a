"""torch.autograd.Function: a function with a backward of its own, one composite of the program for each call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.custom import Gradients, with_gradient
from irc.frontends.errors import RecordError
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import Handle, located
from irc.frontends.torch.grad_mode import no_grad
from irc.frontends.torch.tensor import Tensor, wrap


class FunctionCtx:
    """What forward leaves for backward: saved tensors, and any attribute."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.materialize_grads = True
        self._saved: tuple[Tensor | None, ...] = ()
        self._constant: tuple[Tensor, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for `saved_tensors`."""
        self._saved = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Accepted: irc derives forward mode from backward."""

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What forward saved."""
        return self._saved

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """These results have no gradient."""
        self._constant = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Raises RecordError: a forward gives new tensors."""
        raise located(
            RecordError(
                "mark_dirty: a forward that writes to its arguments is no function of the program",
                notes=("give a new tensor: y = x.clone(); y.add_(1); return y",),
            )
        )

    def set_materialize_grads(self, value: bool) -> None:
        """Accepted: backward is recorded for all results at once, so it always gets tensors."""
        self.materialize_grads = value


class Function:
    """Subclasses define static methods `forward(ctx, *args)` and `backward(ctx, *grads)`, or `forward(*args)` and
    `setup_context(ctx, inputs, output)`; `apply` calls it."""

    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the results."""
        raise located(RecordError("You must implement the forward function for custom autograd.Function."))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keeps what backward needs, where forward takes no ctx."""
        raise located(RecordError("setup_context is not implemented."))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of forward's arguments; None for those that have none."""
        raise located(
            RecordError(
                "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                "backward mode AD."
            )
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """The results of forward, which backward gives the gradients of."""
        tensors = [a for a in args if isinstance(a, Tensor)]
        needs = tuple(recorder.grad_enabled and isinstance(a, Tensor) and a.requires_grad for a in args)
        if not any(needs):
            with no_grad():
                return cls._called(FunctionCtx(needs), args)
        marked: list[int] = []

        def run(*given: Handle) -> tuple[Any, Callable[[list[Handle | None]], Gradients]]:
            each = iter(given)
            ctx = FunctionCtx(needs)
            with no_grad():
                result = cls._called(ctx, tuple(next(each) if isinstance(a, Tensor) else a for a in args))
            cls._refuse_writes(given)
            outputs = [
                r for r in (result if isinstance(result, tuple) else (result,)) if isinstance(r, Tensor)
            ]
            marked[:] = [i for i, r in enumerate(outputs) if any(r is c for c in ctx._constant)]
            return result, functools.partial(cls._reversed, ctx, args, result)

        refusal = getattr(cls.backward, "once_differentiable", None)
        result = with_gradient(cls.__name__, run, tensors, through_results=True, refusal=refusal)
        return _constant(result, marked)

    @classmethod
    def _called(cls, ctx: FunctionCtx, args: tuple[Any, ...]) -> Any:
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args)
        result = cls.forward(*args)
        cls.setup_context(ctx, args, result)
        return result

    @classmethod
    def _refuse_writes(cls, given: Sequence[Handle]) -> None:
        if any(h._storage in recorder.graph.written for h in given):
            note = "give a new tensor: y = x.clone(); y.add_(1); return y"
            raise located(RecordError(f"{cls.__name__}.forward writes to its argument", notes=(note,)))

    @classmethod
    def _reversed(
        cls, ctx: FunctionCtx, args: tuple[Any, ...], result: Any, upstream: list[Handle | None]
    ) -> Gradients:
        each = iter(upstream)
        every = result if isinstance(result, tuple) else (result,)
        given = cls.backward(ctx, *(next(each) if isinstance(r, Tensor) else None for r in every))
        found = list(given) if isinstance(given, tuple) else [given]
        while len(found) > len(args) and found[-1] is None:
            found.pop()
        if len(found) != len(args):
            message = (
                f"function {cls.__name__}Backward returned an incorrect number of gradients (expected {len(args)}, got "
                f"{len(found)})"
            )
            raise located(RecordError(message))
        pairs = zip(args, ctx.needs_input_grad, found, strict=True)
        return [
            _fitting(g, a) if needed and g is not None else None
            for a, needed, g in pairs
            if isinstance(a, Tensor)
        ], []


def _fitting(gradient: Tensor, argument: Tensor) -> Tensor:
    """The gradient summed over what was broadcast, in the argument's dtype."""
    if gradient.shape != argument.shape:
        gradient = gradient.sum_to_size(*argument.shape)
    return gradient if gradient.dtype is argument.dtype else gradient.to(argument.dtype)


def _constant(result: Any, marked: Sequence[int]) -> Any:
    """The results, those numbered outside the gradient."""
    if not marked:
        return result
    every = list(result) if isinstance(result, tuple) else [result]
    places = [i for i, r in enumerate(every) if isinstance(r, Tensor)]
    for i in marked:
        every[places[i]] = wrap(every[places[i]]._read().alias())
    return tuple(every) if isinstance(result, tuple) else every[0]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a backward whose own gradient is an error."""

    @functools.wraps(function)
    def run(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            return function(ctx, *grads)

    run.once_differentiable = (  # type: ignore[attr-defined]
        "trying to differentiate twice a function that was marked with @once_differentiable"
    )
    return run
