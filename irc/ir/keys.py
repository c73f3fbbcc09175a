"""Structural keys: equal for ops, regions and functions that are the same but for identity, names and locations."""

from __future__ import annotations

import hashlib
from typing import Any

from irc.ir.attributes import DenseElementsAttr
from irc.ir.operation import Operation, Region, Value

Key = tuple[Any, ...]


def attribute_key(op: Operation) -> Key:
    """Name and attributes, in a fixed order."""
    attrs = op.attributes
    return (op.name, *sorted(attrs.items(), key=lambda item: item[0])) if attrs else (op.name,)


def region_key(regions: tuple[Region, ...], number: dict[Value, int]) -> Key:
    """The structure of regions in one flat tuple, made without recursion.

    `number` maps the values visible from outside to their numbers; values inside are numbered by position on top of a
    copy of it, so equal regions over equal outer values have equal keys."""
    local = dict(number)
    out: list[Any] = []
    stack: list[Any] = list(reversed(regions))
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, Region):
            out.append("(")
            stack.append(")")
            for block in reversed(item.blocks):
                stack.extend(reversed(block.operations))
                stack.append(block.arguments)
        elif isinstance(item, tuple):
            for argument in item:
                local[argument] = len(local)
            out.append(tuple(a.type for a in item))
        else:
            out.append(attribute_key(item))
            # A value from outside `number` stands for itself: identity is its only content.
            out.append(tuple(local.get(o, o) for o in item.operands))
            out.append(item.result_types)
            for result in item.results:
                local[result] = len(local)
            if item.regions:
                stack.append(";")
                stack.extend(reversed(item.regions))
    return tuple(out)


def operation_key(op: Operation) -> Key:
    """The key of an op over the identities of its operands: equal keys mean one can stand for the other (CSE)."""
    operands: tuple[Any, ...] = op.operands
    base = (*attribute_key(op), operands, op.result_types)
    return (*base, region_key(op.regions, {})) if op.regions else base


def structural_key(op: Operation) -> Key:
    """The key of a whole function or module: no identity left in it, so it can be compared between runs and stored."""
    return (*attribute_key(op), region_key(op.regions, {}))


def digest(op: Operation) -> str:
    """The structural key of a function or module as a number in hexadecimal: the same in every process."""
    found = hashlib.sha256()
    texts: dict[Any, bytes] = {}
    *attributes, regions = structural_key(op)
    for item in (*attributes, *regions):
        if (
            isinstance(item, tuple) and item and type(item[0]) is int
        ):  # numbers of values: most of what a program is
            found.update(b"@%r" % (item,))
            continue
        text = texts.get(item)
        if text is None:
            text = texts[item] = _encoded(item)
        found.update(text)
    return found.hexdigest()


def _encoded(item: Any) -> bytes:
    """Part of a structural key as bytes that say where they end."""
    if isinstance(item, tuple):
        return b"(%d" % len(item) + b"".join([_encoded(inner) for inner in item])
    if isinstance(item, DenseElementsAttr):
        kind = b"*" if item.is_splat else b""
        return b"#" + str(item.type).encode() + kind + item.key
    text = str(item).encode()
    return b"%d:" % len(text) + text
