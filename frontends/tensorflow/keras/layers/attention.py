"""Attention."""

from __future__ import annotations

import math
from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import dtypes, nn
from irc.frontends.tensorflow.array_ops import expand_dims, reshape, transpose
from irc.frontends.tensorflow.creation import ones
from irc.frontends.tensorflow.keras import initializers
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.linalg import band_part, matmul
from irc.frontends.tensorflow.pointwise import cast, logical_and, tanh
from irc.frontends.tensorflow.reductions import reduce_sum, softmax

FAR = -3e38
"""What is added to a score that does not count."""


def _causal(rows: int, columns: int) -> Any:
    """A mask of the places that lie not in the future."""
    return cast(band_part(ones((rows, columns)), -1, 0), dtypes.bool_)


class MultiHeadAttention(Layer):
    """Vaswani et al. 2017: several heads of scaled dot-product attention. Called with (query, value, key=value)."""

    def __init__(
        self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
        output_shape: Any = None, attention_axes: Any = None, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(**options)
        if attention_axes not in (None, 1, (1,), [1]):
            raise located(
                RecordValueError(f"MultiHeadAttention(attention_axes={attention_axes}) is not there")
            )
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self.dropout, self.use_bias, self._output = float(dropout), use_bias, output_shape
        self.kernel_initializer, self.bias_initializer = map(
            initializers.get, (kernel_initializer, bias_initializer)
        )
        self.supports_masking = True

    def build(  # type: ignore[override]  # as Keras has it
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        h, k, v = self.num_heads, self.key_dim, self.value_dim
        out = (
            query_shape[-1]
            if self._output is None
            else self._output
            if isinstance(self._output, int)
            else self._output[-1]
        )
        self._parts = {
            name: self._projection(name, (shape[-1], h, width), (h, width))
            for name, shape, width in (
                ("query", query_shape, k),
                ("key", key_shape, k),
                ("value", value_shape, v),
            )
        }
        self._parts["attention_output"] = self._projection("attention_output", (h, v, out), (out,))

    def _projection(self, name: str, shape: tuple[int, ...], bias: tuple[int, ...]) -> list[Any]:
        made = [self.add_weight(shape, self.kernel_initializer, name=f"{name}_kernel")]
        if self.use_bias:
            made.append(self.add_weight(bias, self.bias_initializer, name=f"{name}_bias"))
        return made

    def call(
        self, query: Any, value: Any, key: Any = None, attention_mask: Any = None, return_attention_scores: bool = False,
        use_causal_mask: bool = False, training: bool = False,
    ) -> Any:  # fmt: skip
        key = value if key is None else key
        q = self._heads("query", query) * (1.0 / math.sqrt(self.key_dim))
        k, v = self._heads("key", key), self._heads("value", value)
        scores = matmul(q, k, transpose_b=True)
        mask = self._mask(query, value, attention_mask, use_causal_mask)
        if mask is not None:
            scores = scores + (1.0 - cast(mask, scores.dtype)) * FAR
        weights = softmax(scores, axis=-1)
        used = nn.dropout(weights, self.dropout) if training and self.dropout else weights
        out = self._joined(matmul(used, v))
        return (out, weights) if return_attention_scores else out

    def _heads(self, name: str, x: Any) -> Any:
        """(N, T, D) as (N, heads, T, width)."""
        kernel, *bias = self._parts[name]
        d, h, w = kernel._read().type.shape
        n, t = x._read().type.shape[:2]
        y = matmul(x, reshape(kernel, (d, h * w)))
        y = reshape(y, (n, t, h, w))
        return transpose(y + bias[0] if bias else y, (0, 2, 1, 3))

    def _joined(self, y: Any) -> Any:
        kernel, *bias = self._parts["attention_output"]
        h, w, out = kernel._read().type.shape
        n, _, t, _ = y._read().type.shape
        flat = reshape(transpose(y, (0, 2, 1, 3)), (n, t, h * w))
        made = matmul(flat, reshape(kernel, (h * w, out)))
        return made + bias[0] if bias else made

    def _mask(self, query: Any, value: Any, given: Any, causal: bool) -> Any:
        """What may be attended to, of rank 4: what is told, masks of the inputs, and the past alone."""
        found = []
        if given is not None:
            m = cast(given, dtypes.bool_)
            found.append(expand_dims(m, 1) if m.ndim == 3 else reshape(m, (*(1,) * (4 - m.ndim), *m.shape)))
        for tensor, axis in ((query, -1), (value, -2)):
            own = getattr(tensor, "_keras_mask", None)
            if own is not None:
                found.append(expand_dims(expand_dims(own, 1), axis))
        if causal:
            t, s = query._read().type.shape[1], value._read().type.shape[1]
            found.append(reshape(_causal(t, s), (1, 1, t, s)))
        total = None
        for m in found:
            total = m if total is None else logical_and(total, m)
        return total


class Attention(Layer):
    """Luong's: softmax(query key^T) value, called on [query, value] or [query, value, key]."""

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.use_scale, self.dropout = use_scale, float(dropout)
        if score_mode != "dot":
            raise located(RecordValueError(f"Attention(score_mode={score_mode!r}) is not there: 'dot' is"))
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None

    def _scores(self, query: Any, key: Any) -> Any:
        scores = matmul(query, key, transpose_b=True)
        return scores if self.scale is None else scores * self.scale

    def call(
        self, inputs: Any, mask: Any = None, training: bool = False, return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        query, value, key = (*inputs, inputs[1])[:3]
        scores = self._scores(query, key)
        kept = mask[1] if isinstance(mask, (list, tuple)) and len(mask) > 1 else None
        if kept is not None:
            scores = scores + (1.0 - cast(expand_dims(kept, -2), scores.dtype)) * FAR
        if use_causal_mask:
            t, s = scores._read().type.shape[-2:]
            scores = scores + (1.0 - cast(_causal(t, s), scores.dtype)) * FAR
        weights = softmax(scores, axis=-1)
        used = nn.dropout(weights, self.dropout) if training and self.dropout else weights
        out = matmul(used, value)
        return (out, weights) if return_attention_scores else out

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask[0] if isinstance(previous_mask, (list, tuple)) else None


class AdditiveAttention(Attention):
    """Bahdanau's: scores are sums of tanh(query + key)."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **options: Any) -> None:
        super().__init__(use_scale, dropout=dropout, **options)

    def build(self, input_shape: Any) -> None:
        width = input_shape[0][-1]
        self.scale = self.add_weight((width,), "glorot_uniform", name="scale") if self.use_scale else None

    def _scores(self, query: Any, key: Any) -> Any:
        both = tanh(expand_dims(query, -2) + expand_dims(key, -3))
        return reduce_sum(both if self.scale is None else both * self.scale, axis=-1)
