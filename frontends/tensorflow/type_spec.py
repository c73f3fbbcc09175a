"""tf.TensorSpec: shape and dtype of a tensor that is not there yet."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.shape import TensorShape
from irc.frontends.tensorflow.tensor import TensorBase, convert_to_tensor


class TypeSpec:
    """Base of what describes a value."""


class TensorSpec(TypeSpec):
    """Shape (with None for extents that are not known) and dtype."""

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape = TensorShape(shape)
        self._dtype = dtypes.as_dtype(dtype)
        self._name = name

    @property
    def shape(self) -> TensorShape:
        """The extents, None for those that may vary."""
        return self._shape

    @property
    def dtype(self) -> dtypes.DType:
        """The dtype."""
        return self._dtype

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The spec of a tensor: its shape and dtype."""
        return cls(tensor.shape, tensor.dtype, name)

    from_spec = from_tensor

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor (or another spec) is of this kind."""
        if not isinstance(other, (TensorBase, TensorSpec)):
            other = convert_to_tensor(other, dtype_hint=self._dtype)
        return self._dtype is other.dtype and self._shape.is_compatible_with(other.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self._shape, self._dtype) == (other._shape, other._dtype)

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


def type_spec_from_value(value: Any) -> TensorSpec:
    """The TensorSpec of a tensor, variable or array."""
    return TensorSpec.from_tensor(convert_to_tensor(value))
