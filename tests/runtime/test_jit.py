"""Object code: the same bytes for the same text, errors instead of aborts, digests of code alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from programs import ADD, NOTHING

from irc.errors import IrcError
from irc.runtime import elf, jit
from irc.runtime.target import Target, host_target

_HASH = """
import hashlib, sys
from irc.runtime import jit
print(hashlib.sha256(jit.assemble(sys.argv[1])).hexdigest())
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_same_bytes_in_every_process(seed: str) -> None:
    command = [sys.executable, "-c", _HASH, ADD]
    out = subprocess.run(command, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}, check=True)
    assert out.stdout.strip() == hashlib.sha256(jit.assemble(ADD)).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "define void @irc_main(ptr %args) { ret i32 0 }",
        "define void @irc_main( {",
        "define i32 @f(i1 %c) {\n br i1 %c, label %a, label %b\na: %x = add i32 1, 1\n br label %b\n"
        "b: ret i32 %x }",
    ],
)
def test_bad_text_is_an_error(text: str) -> None:
    with pytest.raises(jit.AssemblyError):
        jit.assemble(text)


def test_unresolved_name_is_an_error() -> None:
    code = jit.assemble(
        "declare void @nowhere_to_be_found()\ndefine void @f() { call void @nowhere_to_be_found() ret void }"
    )
    with pytest.raises(jit.AssemblyError):
        jit.load(code, ["f"])


def test_digest_is_of_code_alone() -> None:
    plain = jit.assemble(ADD)
    marked = jit.assemble(ADD + '!llvm.ident = !{!0}\n!0 = !{!"a note"}\n')
    assert plain != marked
    assert elf.code_digest(plain) == elf.code_digest(marked)
    assert elf.code_digest(plain) != elf.code_digest(jit.assemble(NOTHING))


def test_digest_sees_constants() -> None:
    text = "@c = constant [2 x i64] [i64 1, i64 {}]\ndefine ptr @f() {{ ret ptr @c }}"
    one, two = (elf.code_digest(jit.assemble(text.format(n))) for n in (5, 6))
    assert one != two


def test_digest_refuses_other_files() -> None:
    with pytest.raises(IrcError):
        elf.code_digest(b"not an object")


def test_target_decides_the_instructions() -> None:
    host = host_target()
    if not host.triple.startswith("x86_64"):
        pytest.skip("names x86 registers")
    narrow = Target(host.triple, "haswell", "")
    assert "zmm" not in jit.assembly(ADD, narrow)
    assert "vaddps" in jit.assembly(ADD, narrow)
