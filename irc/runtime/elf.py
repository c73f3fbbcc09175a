"""A reader of 64-bit little-endian ELF objects: enough to say whether two objects hold the same code."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from irc.errors import IrcError

_NOBITS = 8  # SHT_NOBITS: a section without bytes in the file
_CODE = (".text", ".ltext", ".rodata", ".lrodata")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name, ELF type, flags and bytes."""

    name: str
    type: int
    flags: int
    data: bytes


def sections(object_code: bytes) -> Iterator[Section]:
    """The sections of an ELF object, in file order. Raises IrcError on what is not one."""
    if object_code[:6] != b"\x7fELF\x02\x01":
        raise IrcError("not a 64-bit little-endian ELF object")
    table, size, count, names = _section_table(object_code)
    headers = [struct.unpack_from("<IIQQQQ", object_code, table + i * size) for i in range(count)]
    strings = headers[names][4]
    for name, kind, flags, _address, offset, length in headers:
        start = strings + name
        text = object_code[start : object_code.index(b"\0", start)].decode()
        yield Section(text, kind, flags, b"" if kind == _NOBITS else object_code[offset : offset + length])


def _section_table(object_code: bytes) -> tuple[int, int, int, int]:
    """Offset of the section headers, size of one, how many, and which holds the names."""
    (table,) = struct.unpack_from("<Q", object_code, 0x28)
    size, count, names = struct.unpack_from("<HHH", object_code, 0x3A)
    return table, size, count, names


def code_sections(object_code: bytes) -> list[Section]:
    """The text and read-only data sections that hold something; relocations and debug information left
    out."""
    return [
        section
        for section in sections(object_code)
        if section.data and any(section.name == p or section.name.startswith(p + ".") for p in _CODE)
    ]


def code_digest(object_code: bytes) -> str:
    """A digest of the text and read-only data: equal digests mean the same object code, debug information
    aside."""
    digest = hashlib.sha256()
    for section in code_sections(object_code):
        digest.update(f"{section.name}:{len(section.data)}:".encode())
        digest.update(section.data)
    return digest.hexdigest()
