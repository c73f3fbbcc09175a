"""`irc ops`: a page for every op of every dialect."""

from __future__ import annotations

import pytest

import irc
from irc.cli import main
from irc.ir.operation import all_operations

irc.parse("func.func @main() { return }")  # loads the dialects
OPS = sorted(all_operations())


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", name]) == 0
    assert capsys.readouterr().out.startswith(name)


def test_what_the_compiler_says_of_an_op(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a tensor op, its gradient and its kernel; of a kernel op, that it is emitted. A bare name is the tensor op's."""
    main(["ops", "dot_general"])
    assert capsys.readouterr().out.endswith(
        "reference: yes\ngradient: yes\nnative code: contraction kernel\n\n"
    )
    main(["ops", "arith.addf"])
    assert capsys.readouterr().out.endswith("native code: LLVM instructions\n\n")


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    main(["ops", "math"])
    assert capsys.readouterr().out.splitlines() == [n for n in OPS if n.startswith("math.")]
    assert main(["ops", "no_such_op"]) == 1
    assert "there is no op 'no_such_op'" in capsys.readouterr().err
