"""Why a producer and its consumer do not share a kernel, as the fusion pass decides it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from irc.ir.operation import Operation, Value
from irc.passes.manager import Remark


class Reason(StrEnum):
    """Each edge that is not fused has one: the first that held when the consumer was placed."""

    VIEW = "view"
    CONTROL = "control-flow"
    OWN = "consumer-own-kernel"
    PRODUCER = "producer-own-kernel"
    STORED = "elements-placed"
    EXTENTS = "unknown-extents"
    FULL = "kernel-full"
    COMPLEX = "complex-parts"
    BROADCAST_ONLY = "only-broadcast"
    USED = "used-elsewhere"
    MOVED = "elements-moved"
    SHAPE = "other-shape"
    SUM = "reduces-other-dimensions"
    CACHE = "row-past-cache"
    ROWS = "rows-broadcast-otherwise"
    OUTSIDE = "operand-from-outside"
    ATTENTION = "no-attention"
    FEW = "few-rows"
    CYCLE = "cycle"
    ELSEWHERE = "consumer-fused-elsewhere"
    RECOMPUTED = "recomputed"


MEANINGS = {
    Reason.VIEW: "the consumer is a reshape, which is no kernel: it shows what the producer wrote",
    Reason.CONTROL: "the consumer is control flow, whose body has kernels of its own",
    Reason.OWN: "the consumer is a kernel of its own, which takes its operands from memory",
    Reason.PRODUCER: "the producer is a kernel of its own, which nothing can follow",
    Reason.STORED: "the producer's last op decides where elements are written (pad, concatenate, transpose)",
    Reason.EXTENTS: "the consumer's extents are not known",
    Reason.FULL: "the producer's kernel holds as many ops as it may",
    Reason.COMPLEX: "the consumer makes complex numbers of two parts",
    Reason.BROADCAST_ONLY: "the consumer takes the producer's result only through a broadcast",
    Reason.USED: "the producer's result has other uses, and the consumer moves or combines its elements",
    Reason.MOVED: "the consumer moves elements that the producer's kernel makes in its own order",
    Reason.SHAPE: "the consumer has another shape than the producer's kernel goes over",
    Reason.SUM: "the consumer reduces other dimensions, or another shape, than the producer's kernel",
    Reason.CACHE: "the rows are too long to be gone over again in cache, or are not contiguous",
    Reason.ROWS: "what is known of each row comes back along other dimensions than the row's",
    Reason.OUTSIDE: "the consumer combines further values that the producer's kernel does not make",
    Reason.ATTENTION: "a product of rows of another product, but not along the dimensions of attention",
    Reason.FEW: "a product of rows of another product, too few of them for a kernel that holds blocks of them",
    Reason.CYCLE: "another operand of the consumer needs the producer's kernel first",
    Reason.RECOMPUTED: "the consumer's kernel computes the value for itself, which costs less than to store and read it",
    Reason.ELSEWHERE: "the consumer joined the kernel of another operand",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """`consumer` uses `value`, directly or through a broadcast; `reason` is None where one kernel computes both."""

    value: Value
    consumer: Operation
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class EdgeRemark(Remark):
    """An edge in words: ops, the kernels they became part of, and the bytes of memory that fusing it saves or would save."""

    producer: str
    consumer: str
    producer_kernel: str
    consumer_kernel: str
    reason: Reason | None
    saved: int

    @staticmethod
    def of(edge: Edge, producer_kernel: str, consumer_kernel: str, saved: int) -> EdgeRemark:
        producer = edge.value.op
        assert producer is not None
        verdict = "fused" if edge.reason is None else f"not fused: {edge.reason.value}"
        made, used = (op.mnemonic for op in (producer, edge.consumer))
        return EdgeRemark(
            "fusion", f"{made} -> {used}: {verdict}", edge.consumer.location,
            made, used, producer_kernel, consumer_kernel, edge.reason, saved,
        )  # fmt: skip
