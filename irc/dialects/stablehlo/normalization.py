"""Batch normalisation in one op: inference, training, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from irc.dialects.stablehlo.base import TensorOp, same_dim
from irc.dialects.stablehlo.numerics import Array
from irc.ir.fields import F32, I64, Attr, Operand, Result
from irc.ir.quantized import same_element
from irc.ir.types import TensorType, Type, compatible_shapes


class _BatchNorm(TensorOp):
    """Statistics of each index of one dimension, over all others. Computed in f64 and rounded once."""

    by_floats: ClassVar[bool] = True
    epsilon = Attr(F32)
    feature_index = Attr(I64)

    def check_features(self, sizes: dict[str, str]) -> Any:
        """C1 and C2, and by its own label the extent of each named vector; the type of a vector."""
        self.check_operands()
        type = self.operands[0].type
        self.check_integer("feature_index", "C1")
        message = "expects featureIndex to be smaller than the rank of multi-dimensional operands; got featureIndex "
        rank = f"{self.feature_index}, and rank {type.rank}."
        self.check(self.feature_index < type.rank, "C1", message + rank)
        for value in self.operands:
            self.check(
                same_element(value.type.element, type.element), "C2", f"normalises {type} with {value.type}"
            )
        features = type.shape[self.feature_index]
        for name, label in sizes.items():
            given = getattr(self, name).type
            size = given.shape[0]
            message = (
                "expects the size of single-dimensional operands to be compatible with feature count, but the size of "
                f"single-dimensional operands is {size} and the feature count is {features}."
            )
            self.check(same_dim(size, features), label, message)
        return TensorType((features,), type.element)

    def spread(self, vector: Array, rank: int) -> Array:
        shape = [1] * rank
        shape[self.feature_index] = -1
        return vector.astype(np.float64).reshape(shape)

    def others(self, rank: int) -> tuple[int, ...]:
        return tuple(i for i in range(rank) if i != self.feature_index)


class BatchNormInference(_BatchNorm, name="stablehlo.batch_norm_inference"):
    """scale * (operand - mean) / sqrt(variance + epsilon) + offset.

    C1: the feature dimension is one of the operand's.
    C2: all have one element type.
    C3: scale has an element for each feature.
    C4: offset has an element for each feature.
    C5: mean has an element for each feature.
    C6: variance has an element for each feature.
    C7: operand and result have one type."""

    result_labels = ("C7", "C2")
    operand = Operand(constraint="float")
    scale = Operand(constraint="float 1d")
    offset = Operand(constraint="float 1d")
    mean = Operand(constraint="float 1d")
    variance = Operand(constraint="float 1d")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_features({"scale": "C3", "offset": "C4", "mean": "C5", "variance": "C6"})
        return [self.operand.type]

    def evaluate(self, x: Array, *vectors: Array) -> Array:
        scale, offset, mean, variance = (self.spread(v, x.ndim) for v in vectors)
        return np.asarray((scale * (x - mean) / np.sqrt(variance + self.epsilon) + offset).astype(x.dtype))


class BatchNormTraining(_BatchNorm, name="stablehlo.batch_norm_training"):
    """The operand normalised by its own mean and (biased) variance, and both of them.

    C1: the feature dimension is one of the operand's.
    C2: all have one element type.
    C3: scale has an element for each feature.
    C4: offset has an element for each feature.
    C5: the mean has an element for each feature.
    C6: the variance has an element for each feature.
    C7: operand and output have one type."""

    result_labels = ("C7", "C2")
    operand = Operand(constraint="float")
    scale = Operand(constraint="float 1d")
    offset = Operand(constraint="float 1d")
    output = Result()
    batch_mean = Result()
    batch_var = Result()

    def infer(self) -> Sequence[Type]:
        vector = self.check_features({"scale": "C3", "offset": "C4"})
        for result, label in zip(self.results[1:], ("C5", "C6"), strict=False):
            fits = compatible_shapes(result.type.shape, vector.shape)
            self.check(fits, label, f"has statistics {result.type} of {self.operand.type}")
        return [self.operand.type, vector, vector]

    def evaluate(self, x: Array, *vectors: Array) -> tuple[Array, ...]:
        scale, offset = (self.spread(v, x.ndim) for v in vectors)
        mean = x.astype(np.float64).mean(self.others(x.ndim))
        variance = x.astype(np.float64).var(self.others(x.ndim))
        centred = x - self.spread(mean, x.ndim)
        out = scale * centred / np.sqrt(self.spread(variance, x.ndim) + self.epsilon) + offset
        return tuple(r.astype(x.dtype) for r in (out, mean, variance))


class BatchNormGrad(_BatchNorm, name="stablehlo.batch_norm_grad"):
    """Gradients of batch_norm_training with respect to operand, scale and offset.

    C1: the feature dimension is one of the operand's.
    C2: all have one element type.
    C3: operand, grad_output and grad_operand have one shape.
    C4: scale, mean, variance, grad_scale and grad_offset have one shape.
    C5: scale has an element for each feature."""

    result_labels = ("C3", "C2")
    operand = Operand(constraint="float")
    scale = Operand(constraint="float 1d")
    mean = Operand(constraint="float 1d")
    variance = Operand(constraint="float 1d")
    grad_output = Operand(constraint="float")
    grad_operand = Result()
    grad_scale = Result()
    grad_offset = Result()

    def infer(self) -> Sequence[Type]:
        vector = self.check_features({"scale": "C5", "mean": "C4", "variance": "C4"})
        type, grad = self.operand.type, self.grad_output.type
        message = "expects multi-dimensional operands to have compatible shapes."
        self.check(compatible_shapes(type.shape, grad.shape), "C3", message)
        for result in self.results[1:]:
            fits = compatible_shapes(result.type.shape, vector.shape)
            self.check(fits, "C4", f"has gradients {result.type} for {vector}")
        return [type, vector, vector]

    def evaluate(
        self, x: Array, scale: Array, mean: Array, variance: Array, grad: Array
    ) -> tuple[Array, ...]:
        over, rank = self.others(x.ndim), x.ndim
        g = grad.astype(np.float64)
        inverse = 1 / np.sqrt(self.spread(variance, rank) + self.epsilon)
        normal = (x - self.spread(mean, rank)) * inverse
        grad_scale, grad_offset = (g * normal).sum(over), g.sum(over)
        count = x.size // max(len(grad_scale), 1)
        shared = (self.spread(grad_offset, rank) + normal * self.spread(grad_scale, rank)) / max(count, 1)
        grad_x = self.spread(scale, rank) * inverse * (g - shared)
        return tuple(r.astype(x.dtype) for r in (grad_x, grad_scale, grad_offset))
