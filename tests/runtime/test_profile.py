"""IRC_PROFILE: a trace with phases and kernels by source line and thread; nothing of it where it is not asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import irc
from irc.codegen.profile import profiled
from irc.runtime import profile

TEXT = """
func.func @main(%a: tensor<256x256xf32>, %i: tensor<i32>) -> tensor<256x256xf32> {
  %n = stablehlo.constant dense<2> : tensor<i32>
  %one = stablehlo.constant dense<1> : tensor<i32>
  %r:2 = stablehlo.while(%x = %a, %k = %i) : tensor<256x256xf32>, tensor<i32>
   cond {
    %c = stablehlo.compare LT, %k, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %y = stablehlo.dot_general %x, %a, contracting_dims = [1] x [0] : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32>
    %m = stablehlo.add %k, %one : tensor<i32>
    stablehlo.return %y, %m : tensor<256x256xf32>, tensor<i32>
  }
  return %r#0 : tensor<256x256xf32>
}
"""

_PROGRAM = """
import hashlib, sys
import numpy as np, irc
irc.set_num_threads(2)
program = irc.compile_module(irc.parse(open(sys.argv[1]).read(), "given.mlir"))
a = np.linspace(0, 0.01, 256 * 256, dtype=np.float32).reshape(256, 256)
for _ in range(3):
    made, = program(a, np.int32(0))
print(hashlib.sha256(made).hexdigest())
"""


def test_a_trace_has_phases_and_kernels_by_line_and_thread(tmp_path: Path) -> None:
    source, trace = tmp_path / "given.mlir", tmp_path / "trace.json"
    source.write_text(TEXT)
    command = [sys.executable, "-c", _PROGRAM, str(source)]
    plain, noted = (
        subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
        for env in ({"IRC_CACHE": "0"}, {"IRC_CACHE": "0", "IRC_PROFILE": str(trace)})
    )
    assert plain == noted
    events = json.loads(trace.read_text())["traceEvents"]
    phases = [e["name"] for e in events if e.get("cat") == "compile"]
    assert phases == ["passes", "lower", "emit", "llvm", "load"]
    kernels = [e for e in events if e.get("cat") == "kernel"]
    begun = [e["name"] for e in kernels if e["ph"] == "B"]
    assert begun.count("a call of the program") == 3
    line = [name for name in begun if name.startswith("given.mlir:10 ") and not name.endswith("(ticket)")]
    assert sorted(dict.fromkeys(line)) == ["given.mlir:10 fused_transpose", "given.mlir:10 packed"]
    assert [line.count(name) for name in sorted(dict.fromkeys(line))] == [3, 6]
    assert any(name.startswith("given.mlir:10 ") and name.endswith("(ticket)") for name in begun)
    for thread in {e["tid"]: None for e in kernels}:
        open_: list[str] = []
        last = 0.0
        for e in (e for e in kernels if e["tid"] == thread):
            assert e["ts"] >= last
            last = e["ts"]
            if e["ph"] == "B":
                open_.append(e["name"])
            else:
                assert open_.pop() == e["name"]
        assert not open_


def test_what_is_not_profiled_has_none_of_it() -> None:
    program = irc.compile_module(irc.parse(TEXT))
    assert profile.SYMBOL not in program.stages["kernel"]
    assert not profile.noted_by(program.object_code)


def test_a_profiled_text_compiles_and_runs_without_a_profile() -> None:
    kernel = irc.compile_module(irc.parse(TEXT)).stages.kernel
    assert kernel is not None
    noted = profiled(kernel)
    noted.verify()
    again = irc.parse(str(noted))
    assert str(again) == str(noted) and str(profiled(again)) == str(noted)
    assert profile.noted_by(irc.compile_module(again).object_code)
