"""PTX assembled without a toolkit, where the wheel is installed; a clear word where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import PRODUCT as PROGRAM

from irc.codegen.gpu.target import PROCESSORS
from irc.dialects.builtin import parse
from irc.driver import DeviceExecutable, compile_module
from irc.errors import IrcError, UnsupportedError
from irc.runtime import nvjitlink

installed = pytest.mark.skipif(not nvjitlink.is_installed(), reason="nvidia-nvjitlink is not installed")


@installed
@pytest.mark.parametrize("processor", PROCESSORS)
def test_ptx_becomes_machine_code(processor: str) -> None:
    program = compile_module(parse(PROGRAM), target=processor)
    assert isinstance(program, DeviceExecutable)
    made = program.cubin()
    assert made.startswith(b"\x7fELF") and b"fused" in made
    assert program.cubin() == made


@installed
def test_the_assemblers_words_reach_the_user() -> None:
    with pytest.raises(IrcError, match="the assembler refuses this PTX"):
        nvjitlink.assemble_ptx(".version 7.1\n.target sm_80\n.address_size 64\nnonsense;\n", "sm_80")
    with pytest.raises(IrcError, match="no assembler for sm_1"):
        nvjitlink.assemble_ptx("", "sm_1")


def test_without_the_wheel_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvjitlink, "_PLACES", (("nowhere.so", "13_0"),))
    nvjitlink.library.cache_clear()
    with pytest.raises(UnsupportedError, match="needs the wheel nvidia-nvjitlink"):
        nvjitlink.assemble_ptx("", "sm_80")
    nvjitlink.library.cache_clear()


@installed
def test_machine_code_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRC_CACHE", "1")
    monkeypatch.setenv("IRC_CACHE_DIR", str(tmp_path))
    text = compile_module(parse(PROGRAM), target="sm_80").stages["ptx"]
    first = nvjitlink.assemble_ptx(text, "sm_80")
    monkeypatch.setattr(nvjitlink, "_assembled", lambda *given: b"assembled again")
    assert nvjitlink.assemble_ptx(text, "sm_80") == first
    assert nvjitlink.assemble_ptx(text, "sm_90") == b"assembled again"
    assert nvjitlink.assemble_ptx(text + "\n", "sm_80") == b"assembled again"
