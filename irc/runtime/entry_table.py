"""The table of 64-bit words that an entry point reads (see ``entry``): where each word stands."""

from __future__ import annotations

# The table's header: one word each, then a spec of eight words for every input and output. SIZES is where the
# program's named sizes are, or 0.
PROGRAM, INPUTS, OUTPUTS, ARENA, KEEP_GIL, CONVERT, CONVERT_INTO, DONATED, DONATIONS, SIZES, HEADER = range(
    11
)
# A spec. MAKER is a callable that makes the output, or 0: NumPy makes it; DONOR the input that becomes it,
# or -1.
WORD, RANK, DIMS, FLAGS, BYTES, DTYPE, DONOR, MAKER, SPEC = range(9)


def field(name: str, base: str, word: int, kind: str = "i64") -> str:
    """LLVM text that loads word number ``word`` of ``base`` into ``name``."""
    place = f"%{name}.at = getelementptr i64, ptr %{base}, i64 {word}"
    return f"{place}\n  %{name} = load {kind}, ptr %{name}.at, align 8"
