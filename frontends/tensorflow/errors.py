"""tf.errors: TensorFlow's exception classes, each with the user's line and caret."""

from __future__ import annotations

from typing import Any

from irc.errors import IrcError, TraceError
from irc.frontends.errors import RecordIndexError, RecordTypeError, RecordValueError


class OpError(IrcError):
    """Base of the errors that operations raise."""

    error_code = 2

    def __init__(self, *args: Any, **more: Any) -> None:
        """`OpError(message)`, or TensorFlow's (node_def, op, message)."""
        text = args[-1] if args and args[-1] is not None else ""
        super().__init__(str(text), **more)

    @property
    def op(self) -> None:
        """The operation that failed: not known here, the error's span has the line."""
        return None

    @property
    def node_def(self) -> None:
        """The definition of the operation that failed: not known here."""
        return None


def _error(name: str, code: int, doc: str) -> Any:
    return type(name, (OpError,), {"error_code": code, "__doc__": doc, "__module__": __name__})


CancelledError = _error("CancelledError", 1, "An operation was cancelled.")
UnknownError = _error("UnknownError", 2, "An error without a class of its own.")
DeadlineExceededError = _error("DeadlineExceededError", 4, "A deadline passed.")
NotFoundError = _error("NotFoundError", 5, "A file, variable or node that is not there.")
AlreadyExistsError = _error("AlreadyExistsError", 6, "Something that is there already.")
PermissionDeniedError = _error("PermissionDeniedError", 7, "Not allowed.")
ResourceExhaustedError = _error("ResourceExhaustedError", 8, "Out of memory.")
FailedPreconditionError = _error("FailedPreconditionError", 9, "A variable used before it has a value.")
AbortedError = _error("AbortedError", 10, "Aborted.")
OutOfRangeError = _error("OutOfRangeError", 11, "The end of a sequence.")
UnimplementedError = _error("UnimplementedError", 12, "An operation that is not there for these arguments.")
InternalError = _error("InternalError", 13, "A broken invariant.")
UnavailableError = _error("UnavailableError", 14, "A service that is not there.")
DataLossError = _error("DataLossError", 15, "Data that cannot be read again.")
UnauthenticatedError = _error("UnauthenticatedError", 16, "No credentials.")


class InvalidArgumentError(OpError):
    """Operands whose shapes, dtypes or values do not go together."""

    error_code = 3


class MixedDtypeError(InvalidArgumentError, TypeError):
    """Operands of different dtypes: an InvalidArgumentError where operations are carried out, a TypeError in graphs."""


class OperatorNotAllowedInGraphError(TraceError, TypeError):
    """Python's bool, iteration or a conversion of a tensor whose value a traced function does not have."""


class NoValueError(OperatorNotAllowedInGraphError, AttributeError):
    """`numpy()` of a tensor that has no value: such tensors have no attribute of that name in TensorFlow."""


class InaccessibleTensorError(TraceError, TypeError):
    """A tensor of one graph used in another."""


__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InaccessibleTensorError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OpError",
    "OperatorNotAllowedInGraphError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "RecordIndexError",
    "RecordTypeError",
    "RecordValueError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
]
