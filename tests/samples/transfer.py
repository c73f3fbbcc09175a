"""Samples of ops that exchange data with the host, with other processes, and with what stands outside the program."""

from __future__ import annotations

from typing import Any

import numpy as np

from irc.dialects import stablehlo as S
from irc.ir.attributes import ArrayAttr, DenseElementsAttr
from irc.ir.operation import Value
from irc.ir.types import FutureType, TensorType, TokenType, TupleType, f64, index
from samples.case import breaks, region, tensor, value

TOKEN = TokenType()
AFTER = Value(TOKEN)
TO_DEVICE, TO_HOST, FROM_HOST = (S.ChannelHandle(handle=1, type=t) for t in (1, 2, 3))


def infeed(label: str, types: list[Any], **more: Any) -> None:
    breaks("stablehlo.infeed", label, lambda: S.Infeed(AFTER, result_types=types, **more))


infeed("C1", [])
infeed("C2", [TOKEN, TOKEN])
infeed("C3", [tensor(2)])
infeed("C4", [tensor(2), TOKEN], layout=ArrayAttr(()))


def recv(label: str, types: list[Any], channel: Any = FROM_HOST) -> None:
    given = {"channel_handle": channel, "is_host_transfer": True}
    breaks("stablehlo.recv", label, lambda: S.Recv(AFTER, result_types=types, **given))


recv("C1", [tensor(2), TOKEN], TO_HOST)
recv("C2", [])
recv("C3", [TOKEN, TOKEN])
recv("C4", [tensor(2)])
breaks("stablehlo.send", "C1", lambda: S.Send([value(2)], AFTER, channel_handle=TO_HOST))


def start(label: str, body: Any, **more: Any) -> None:
    breaks(
        "stablehlo.async_start",
        label,
        lambda: S.AsyncStart([value(4)], regions=[region([tensor(4)], body)], **more),
    )


def part(b: Any, x: Any) -> Any:
    return b.emit(S.Slice(x, start_indices=(0,), limit_indices=(2,), strides=(1,)))


start("C1", lambda b, x: x)
start("C2", lambda b, x: b.emit(S.Negate(x)))
start("C4", part, result_types=[FutureType((tensor(3),))])
breaks(
    "stablehlo.async_start",
    "C3",
    lambda: S.AsyncStart([value(4)], regions=[region([tensor(5)], part)]),
)
PROMISED = Value(FutureType((tensor(2),)))
breaks("stablehlo.async_done", "C1", lambda: S.AsyncDone(PROMISED, result_types=[tensor(3)]))


def layouts(*orders: tuple[int, ...]) -> ArrayAttr:
    types = [TensorType((len(order),), index) for order in orders]
    return ArrayAttr(
        tuple(
            DenseElementsAttr.of(t, np.array(order, np.int64)) for t, order in zip(types, orders, strict=True)
        )
    )


def call(label: str, operands: Any = None, types: Any = None, **more: Any) -> None:
    given = operands or [value(2, 3)]
    got = types or [tensor(2, 3)]
    breaks(
        "stablehlo.custom_call",
        label,
        lambda: S.CustomCall(given, call_target_name="target", result_types=got, **more),
    )


PAIR = TupleType((tensor(2, 3), tensor(2)))
ORDER = layouts((0, 1))


def alias(operand: int, inside: tuple[int, ...] = ()) -> ArrayAttr:
    found = S.OutputOperandAlias(output_tuple_indices=(), operand_index=operand, operand_tuple_indices=inside)
    return ArrayAttr((found,))


call("C1", operand_layouts=ORDER)
call("C2", operand_layouts=layouts(), result_layouts=ORDER)
call("C3", operands=[Value(PAIR)], operand_layouts=ORDER, result_layouts=ORDER)
call("C4", operand_layouts=layouts((0, 2)), result_layouts=ORDER)
call("C5", output_operand_aliases=alias(1))
call("C6", operands=[Value(PAIR)], output_operand_aliases=alias(0, (2,)))
call("C7", types=[tensor(2, 3, of=f64)], output_operand_aliases=alias(0))
