"""keras.Variable: a tf.Variable that an initializer fills, with a path, a regularizer and a constraint."""

from __future__ import annotations

from typing import Any

from irc.frontends.tensorflow import dtypes
from irc.frontends.tensorflow.keras import initializers
from irc.frontends.tensorflow.keras.naming import auto_name
from irc.frontends.tensorflow.tensor import Tensor, TensorBase
from irc.frontends.tensorflow.variable import Variable as TensorFlowVariable


class Variable(TensorFlowVariable):
    """`Variable(initializer, shape)`, or `Variable(value)`."""

    regularizer: Any = None

    def __init__(
        self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True, autocast: bool = True,
        aggregation: Any = None, synchronization: Any = None, name: str | None = None, path: str | None = None,
    ) -> None:  # fmt: skip
        wanted = None if dtype is None else dtypes.as_dtype(dtype)
        initial = initializer
        if isinstance(initializer, str) or (
            callable(initializer) and not isinstance(initializer, TensorBase)
        ):
            make, extents = initializers.get(initializer), tuple(shape or ())
            initial = lambda: make(extents, dtype=wanted or dtypes.float32)  # noqa: E731
        super().__init__(initial, trainable=trainable, dtype=wanted, name=name)
        self._plain_name = name or auto_name("variable")
        self._path = path or self._plain_name
        self.was_trainable = trainable

    @property
    def name(self) -> str:
        """Its name within the layer."""
        return self._plain_name

    @property
    def path(self) -> str:
        """The layer's name and its own."""
        return self._path

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        """Its value of now."""
        return self.read_value()

    def numpy(self) -> Any:
        return super().numpy()

    def __repr__(self) -> str:
        head = f"<Variable path={self.path}, shape={tuple(self.shape)}, dtype={self.dtype.name}"
        return f"{head}, value={self._look('print()')}>" if self.is_known else f"{head}>"

    __str__ = __repr__
