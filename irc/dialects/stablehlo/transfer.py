"""Ops that exchange data with the host or another process, and ops that run beside others. They are read and checked;
running them is refused: there is one process here, and its work is done in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from irc.dialects.stablehlo.attributes import ChannelHandle
from irc.dialects.stablehlo.base import TensorOp, compatible, region_types
from irc.ir.fields import ANY, BOOL, STRING, Attr, Operand, RegionField, Result, i64_elements, struct
from irc.ir.types import FutureType, TensorType, TokenType, Type

DEVICE_TO_DEVICE, DEVICE_TO_HOST, HOST_TO_DEVICE = 1, 2, 3
TOKEN = TokenType()


class _Transfer(TensorOp):
    """An effect in the order that tokens give."""

    pure: ClassVar[bool] = False

    def check_token(self, label: str, type: Any) -> None:
        """The operand that says what comes before."""
        position = len(self.operands) - 1
        self.check(type is TOKEN, label, f"operand #{position} must be token, but got '{type}'")

    def check_arrived(self, labels: tuple[str, str, str], what: str) -> None:
        """Results are tensors, then a token."""
        count, tensors, last = labels
        types = self.result_types
        message = f"result is expected to be at least of size 1, but got {len(types)}"
        self.check(len(types) > 0, count, message)
        for type in types[:-1]:
            message = f"{what} expected to be of tensor type, but got '{type}'"
            self.check(isinstance(type, TensorType), tensors, message)
        message = f"last element of result types is expected to be of token type, but got '{types[-1]}'"
        self.check(types[-1] is TOKEN, last, message)


class Infeed(_Transfer, name="stablehlo.infeed"):
    """Tensors that the host has put in the infeed.

    C1: there is at least one result.
    C2: all results but the last are tensors.
    C3: the last one is a token.
    C4: a layout, where given, is one for each tensor."""

    token = Operand()
    infeed_config = Attr(STRING, default="")
    layout = Attr(ANY, optional=True)
    arrived = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_token("I1", self.token.type)
        self.check_arrived(("C1", "C2", "C3"), "all elements of result types, except the last element, are")
        if self.layout is not None:
            given, wanted = len(getattr(self.layout, "value", ())), len(self.results) - 1
            message = f"layout-attribute size must be {wanted} (which is the number of op-results - 1 (for token result))"
            self.check(given == wanted, "C4", f"{message}, but got {given}")
        return self.result_types


class Outfeed(_Transfer, name="stablehlo.outfeed"):
    """Puts tensors in the outfeed, for the host."""

    quantized = "axis"
    inputs = Operand(variadic=True)
    token = Operand(constraint="token")
    outfeed_config = Attr(STRING, default="")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_token("I2", self.token.type)
        return [TOKEN]


class _OverChannel(_Transfer):
    channel_handle = Attr(struct(ChannelHandle))
    is_host_transfer = Attr(BOOL, default=False)
    source_target_pairs = Attr(i64_elements(2), optional=True)

    def check_channel(self, label: str, with_host: int, name: str) -> None:
        """The channel's type says who is at its ends."""
        given, host = self.channel_handle.type, self.is_host_transfer
        wanted, words = (with_host, name) if host else (DEVICE_TO_DEVICE, "DEVICE_TO_DEVICE")
        message = f"channel_type should be {words} when is_host_transfer is {str(host).lower()}"
        self.check(given == wanted, label, message)


class Send(_OverChannel, name="stablehlo.send"):
    """Sends tensors over a channel.

    C1: the channel goes from device to device, or to the host in a host transfer."""

    quantized = "axis"
    inputs = Operand(variadic=True)
    token = Operand(constraint="token")
    result = Result()

    def infer(self) -> Sequence[Type]:
        self.check_token("I2", self.token.type)
        self.check_channel("C1", DEVICE_TO_HOST, "DEVICE_TO_HOST")
        return [TOKEN]


class Recv(_OverChannel, name="stablehlo.recv"):
    """Tensors that come over a channel.

    C1: the channel goes from device to device, or from the host in a host transfer.
    C2: there is at least one result.
    C3: all results but the last are tensors.
    C4: the last one is a token."""

    token = Operand(constraint="token")
    received = Result(variadic=True)

    def infer(self) -> Sequence[Type]:
        self.check_token("I1", self.token.type)
        self.check_channel("C1", HOST_TO_DEVICE, "HOST_TO_DEVICE")
        self.check_arrived(("C2", "C3", "C4"), "everything but the last element of result types is")
        return self.result_types


class AsyncStart(_Transfer, name="stablehlo.async_start"):
    """Starts one op beside those that follow; `async_done` waits for its result.

    C1: the body is one op and a return.
    C2: the op is a collective one, or a slice.
    C3: the body takes the operands' types.
    C4: it returns one value, of which the result is the future."""

    isolated = True
    result_labels = ("C4", "C4")
    inputs = Operand(variadic=True)
    body = RegionField()
    result = Result()

    def infer(self) -> Sequence[Type]:
        operations = self.body.operations
        message = "region must contain exactly one operation and a return"
        self.check(len(operations) == 2, "C1", message)
        known = operations[0].name.removeprefix("stablehlo.") in _BESIDE
        self.check(known, "C2", "region must contain a collective or slice operation")
        arguments, returned = region_types(self.body)
        counts = f"({len(self.inputs)}) must match number of region arguments ({len(arguments)})"
        self.check(len(arguments) == len(self.inputs), "C3", f"number of operands {counts}")
        for i, (value, argument) in enumerate(zip(self.inputs, arguments, strict=True)):
            message = f"operand type '{value.type}' at index {i} must match region argument type '{argument}'"
            self.check(compatible(value.type, argument), "C3", message)
        message = f"region must return exactly one value, but got {len(returned)}"
        self.check(len(returned) == 1, "C4", message)
        return [FutureType((returned[0],))]


_BESIDE = (
    "all_gather",
    "all_reduce",
    "all_to_all",
    "collective_broadcast",
    "collective_permute",
    "collective_reduce",
    "dynamic_slice",
    "dynamic_update_slice",
    "reduce_scatter",
    "slice",
)


class AsyncDone(_Transfer, name="stablehlo.async_done"):
    """What was started, once it is there.

    C1: the future has one type, which is the result's."""

    result_labels = ("C1", "C1")
    operand = Operand(constraint="future")
    result = Result()

    def infer(self) -> Sequence[Type]:
        type = self.operand.type
        self.check(isinstance(type, FutureType), "I1", "operand must be a future type")
        message = f"future must have exactly one type parameter, but got {len(type.types)}"
        self.check(len(type.types) == 1, "C1", message)
        return type.types
