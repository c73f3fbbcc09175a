"""StableHLO's structured attributes: which dimensions of an op play which part."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from irc.ir.attributes import StructAttr, float_text
from irc.ir.fields import array_of, enum
from irc.ir.types import Type, f64

Dims = tuple[int, ...]

PRECISION = array_of(enum("stablehlo", "precision", ("DEFAULT", "HIGH", "HIGHEST")))


@dataclass(frozen=True, repr=False)
class _Dimensions(StructAttr):
    """Fields that are empty, or 0, are left out of the text, as StableHLO's printer does."""

    def body(self) -> str:
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value:
                text = f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)
                parts.append(f"{field.name} = {text}")
        return ", ".join(parts)


@dataclass(frozen=True, repr=False)
class DotDimensionNumbers(_Dimensions):
    """Of a dot_general: dimensions that stay paired (batching) and those summed over (contracting)."""

    mnemonic: ClassVar[str] = "stablehlo.dot"
    lhs_batching_dimensions: Dims = ()
    rhs_batching_dimensions: Dims = ()
    lhs_contracting_dimensions: Dims = ()
    rhs_contracting_dimensions: Dims = ()


@dataclass(frozen=True, repr=False)
class GatherDimensionNumbers(_Dimensions):
    """How gather's dimensions belong together; fields are the specification's."""

    mnemonic: ClassVar[str] = "stablehlo.gather"
    offset_dims: Dims = ()
    collapsed_slice_dims: Dims = ()
    operand_batching_dims: Dims = ()
    start_indices_batching_dims: Dims = ()
    start_index_map: Dims = ()
    index_vector_dim: int = 0


@dataclass(frozen=True, repr=False)
class ScatterDimensionNumbers(_Dimensions):
    """How scatter's dimensions belong together; fields are the specification's."""

    mnemonic: ClassVar[str] = "stablehlo.scatter"
    update_window_dims: Dims = ()
    inserted_window_dims: Dims = ()
    input_batching_dims: Dims = ()
    scatter_indices_batching_dims: Dims = ()
    scatter_dims_to_operand_dims: Dims = ()
    index_vector_dim: int = 0


@dataclass(frozen=True, repr=False)
class ConvDimensionNumbers(StructAttr):
    """Of a convolution. The text is `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`: which dimensions of input, kernel and
    output are batch, feature, spatial, input feature and output feature, in the order in which they stand."""

    mnemonic: ClassVar[str] = "stablehlo.conv"
    input_batch_dimension: int
    input_feature_dimension: int
    input_spatial_dimensions: Dims
    kernel_input_feature_dimension: int
    kernel_output_feature_dimension: int
    kernel_spatial_dimensions: Dims
    output_batch_dimension: int
    output_feature_dimension: int
    output_spatial_dimensions: Dims

    @property
    def input_dimensions(self) -> Dims:
        """Batch, spatial, feature."""
        return (self.input_batch_dimension, *self.input_spatial_dimensions, self.input_feature_dimension)

    @property
    def kernel_dimensions(self) -> Dims:
        """Input feature, spatial, output feature."""
        ends = (self.kernel_input_feature_dimension, self.kernel_output_feature_dimension)
        return (ends[0], *self.kernel_spatial_dimensions, ends[1])

    @property
    def output_dimensions(self) -> Dims:
        """Batch, spatial, feature."""
        return (self.output_batch_dimension, *self.output_spatial_dimensions, self.output_feature_dimension)

    def body(self) -> str:
        texts = [
            _places(self.input_dimensions, "bf"),
            _places(self.kernel_dimensions, "io"),
            _places(self.output_dimensions, "bf"),
        ]
        if None in texts:
            return f"raw {_Dimensions.body(self)}"  # type: ignore[arg-type]
        return f"{texts[0]}x{texts[1]}->{texts[2]}"

    @classmethod
    def parse_body(cls, text: str) -> ConvDimensionNumbers:
        """From the text; raises ValueError when a dimension is missing or stands twice."""
        lists = re.fullmatch(r"\s*\[([^]]*)\]\s*x\s*\[([^]]*)\]\s*->\s*\[([^]]*)\]\s*", text)
        if lists is None:
            raise ValueError("expected [..]x[..]->[..]")
        of_input, of_kernel, of_output = (
            _dimensions(part, names) for part, names in zip(lists.groups(), ("bf", "io", "bf"), strict=True)
        )
        return cls(*of_input, *of_kernel, *of_output)


def _places(dimensions: Dims, names: str) -> str | None:
    """`[b, 0, 1, f]`, or None when the dimensions are not a permutation (an attribute that does not verify)."""
    labels = (names[0], *map(str, range(len(dimensions) - 2)), names[1])
    at = dict(zip(dimensions, labels, strict=True))
    rank = len(dimensions)
    return f"[{', '.join(at[i] for i in range(rank))}]" if sorted(at) == list(range(rank)) else None


def _dimensions(text: str, names: str) -> tuple[int, int, Dims]:
    """(place of the first name, of the second, places of the spatial dimensions) in `b, 0, 1, f`."""
    items = [item.strip() for item in text.split(",")]
    at = {item: place for place, item in enumerate(items)}
    spatial = [str(i) for i in range(len(items) - 2)]
    missing = [name for name in (*names, *spatial) if name not in at]
    if missing:
        raise ValueError(f"dimension {missing[0]} is missing in [{text}]")
    return at[names[0]], at[names[1]], tuple(at[s] for s in spatial)


@dataclass(frozen=True, repr=False)
class DotAlgorithm(StructAttr):
    """Which arithmetic a dot_general is allowed to be made of."""

    mnemonic: ClassVar[str] = "stablehlo.dot_algorithm"
    lhs_precision_type: Type
    rhs_precision_type: Type
    accumulation_type: Type
    lhs_component_count: int
    rhs_component_count: int
    num_primitive_operations: int
    allow_imprecise_accumulation: bool

    def body(self) -> str:
        return ", ".join(f"{f.name} = {_plain(getattr(self, f.name))}" for f in fields(self))

    @property
    def summary(self) -> str:
        """What it is made of, as StableHLO's errors say it."""
        return (
            f"{{lhs:'{self.lhs_precision_type}', rhs:'{self.rhs_precision_type}', accum:'{self.accumulation_type}', "
            f"lhs_components:{self.lhs_component_count}, rhs_components:{self.rhs_component_count}, "
            f"primitive_ops:{self.num_primitive_operations}, imprecise:{int(self.allow_imprecise_accumulation)}}}"
        )

    @property
    def is_known(self) -> bool:
        """Whether some hardware has this arithmetic."""
        sides = str(self.lhs_precision_type), str(self.rhs_precision_type)
        accumulation, steps = str(self.accumulation_type), self.num_primitive_operations
        if self.lhs_component_count != 1 or self.rhs_component_count != 1:
            return False
        if all(s in _NARROW for s in sides) and accumulation == "f32" and steps == 1:
            return True
        known = sides[0] == sides[1] and steps in _ALGORITHMS.get((sides[0], accumulation), ())
        return known and not self.allow_imprecise_accumulation


_NARROW = ("f8E3M4", "f8E4M3", "f8E4M3FN", "f8E5M2", "f8E4M3FNUZ", "f8E4M3B11FNUZ", "f8E5M2FNUZ")
_ALGORITHMS = {
    ("f16", "f16"): (1,),
    ("f16", "f32"): (1,),
    ("bf16", "bf16"): (1,),
    ("bf16", "f32"): (1, 3, 6, 9),
    ("tf32", "f32"): (1, 3),
    ("f32", "f32"): (1,),
    ("f64", "f64"): (1,),
}
"""Numbers of primitive operations that are known, by the type of both sides and the accumulation's."""


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, repr=False)
class ChannelHandle(StructAttr):
    """Which channel processes talk over; not positive means none."""

    mnemonic: ClassVar[str] = "stablehlo.channel_handle"
    handle: int
    type: int


@dataclass(frozen=True, repr=False)
class OutputOperandAlias(StructAttr):
    """A custom_call result that lies in an operand's buffer."""

    mnemonic: ClassVar[str] = "stablehlo.output_operand_alias"
    output_tuple_indices: Dims
    operand_index: int
    operand_tuple_indices: Dims

    def body(self) -> str:
        return (
            f"output_tuple_indices = [{', '.join(map(str, self.output_tuple_indices))}], "
            f"operand_index = {self.operand_index}, "
            f"operand_tuple_indices = [{', '.join(map(str, self.operand_tuple_indices))}]"
        )


@dataclass(frozen=True, repr=False)
class Bounds(StructAttr):
    """The encoding of a tensor type with unknown extents: how large each may be, `?` where that is not known."""

    mnemonic: ClassVar[str] = "stablehlo.bounds"
    bounds: tuple[int | None, ...]

    def body(self) -> str:
        return ", ".join("?" if b is None else str(b) for b in self.bounds)

    @classmethod
    def parse_body(cls, text: str) -> Bounds:
        items = [item.strip() for item in text.split(",")] if text.strip() else []
        return Bounds(tuple(None if item == "?" else int(item) for item in items))


class TypeExtensions(StructAttr):
    """The long spelling of Bounds, `#stablehlo.type_extensions<bounds = [3, ?]>`; read only."""

    mnemonic: ClassVar[str] = "stablehlo.type_extensions"

    @classmethod
    def parse_body(cls, text: str) -> Bounds:
        m = re.fullmatch(r"\s*bounds\s*=\s*\[([^]]*)\]\s*", text)
        if m is None:
            raise ValueError("expected bounds = [...]")
        return Bounds.parse_body(m[1])


@dataclass(frozen=True, repr=False)
class ResultAccuracy(StructAttr):
    """How far a transcendental function's result may be off: a mode, or tolerances (mode TOLERANCE)."""

    mnemonic: ClassVar[str] = "stablehlo.result_accuracy"
    atol: float = 0.0
    rtol: float = 0.0
    ulps: int = 0
    mode: str = "DEFAULT"

    def body(self) -> str:
        numbers = [
            f"{name} = {float_text(v, f64)}" for name, v in (("atol", self.atol), ("rtol", self.rtol)) if v
        ]
        numbers += [f"ulps = {self.ulps}"] if self.ulps else []
        return ", ".join([*numbers, f"mode = #stablehlo.result_accuracy_mode<{self.mode}>"])

    @classmethod
    def parse_body(cls, text: str) -> ResultAccuracy:
        m = _ACCURACY.fullmatch(text)
        if m is None:
            raise ValueError("expected atol, rtol, ulps and mode")
        if any(math.isinf(float(m[name] or 0)) for name in ("atol", "rtol")):
            raise ValueError("a tolerance is finite")
        found = cls(float(m["atol"] or 0), float(m["rtol"] or 0), int(m["ulps"] or 0), m["mode"])
        if found.mode != "TOLERANCE" and (found.atol or found.rtol or found.ulps):
            raise ValueError(
                f"Invalid tolerances for ResultAccuracyAttr with mode {found.mode}, must be all zero."
            )
        return found


_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_ACCURACY = re.compile(
    rf"\s*(?:atol\s*=\s*(?P<atol>{_NUMBER})\s*,\s*)?(?:rtol\s*=\s*(?P<rtol>{_NUMBER})\s*,\s*)?"
    r"(?:ulps\s*=\s*(?P<ulps>\d+)\s*,\s*)?mode\s*=\s*#stablehlo\.result_accuracy_mode<\s*(?P<mode>\w+)\s*>\s*"
)
