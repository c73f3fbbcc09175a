"""NVIDIA's processors that PTX is made for, and LLVM text to PTX text."""

from __future__ import annotations

import re
import threading

import llvmlite.binding as llvm

from irc.errors import UnsupportedError
from irc.runtime.jit import AssemblyError
from irc.runtime.target import Target, initialise_all

TRIPLE = "nvptx64-nvidia-cuda"
_ISA = {"sm_80": "ptx71", "sm_90a": "ptx80"}
"""Each processor with the lowest PTX version that serves, so that older drivers load it."""
PROCESSORS = tuple(_ISA)
DEFAULT = "sm_80"
EMULATED = "ptx-emulated"
"""The name of the device that is an interpreter."""

_LOCK = threading.Lock()
_ALLOWED = re.compile(
    r"llvm\.(fabs|ceil|floor|trunc|sqrt|copysign|fma|roundeven|maximum|minimum|maxnum|minnum|smax|smin|umax|umin|abs"
    r"|ctlz|cttz|ctpop|bitreverse|bswap|fshl|fshr)\.(v\d+)?(i\d+|f16|f32|f64)"
    r"|llvm\.(masked\.(load|store|gather|scatter)\..*|prefetch\.p0)"
    r"|llvm\.nvvm\.(read\.ptx\.sreg\.(tid|ctaid|ntid|nctaid)\.[xyz]|read\.ptx\.sreg\.laneid"
    r"|barrier\.cta\.sync\.aligned\.all|shfl\.sync\.(bfly|down|up|idx)\.i32"
    r"|ldmatrix\.sync\.aligned\.m8n8\.x[124](\.trans)?\.b16\.p3|mma\.m16n8k16\.row\.col\.(bf16|f32\.f32)"
    r"|cp\.async\.(ca|cg)\.shared\.global\.(4|8|16)(\.s)?|cp\.async\.(commit\.group|wait\.group|wait\.all))"
)
"""What LLVM's back end for PTX can select; anything else would end the process."""
_DECLARED = re.compile(r"^declare .*? @([\w.$]+)\(", re.MULTILINE)


def device_target(name: str) -> Target:
    """The target of a processor's name; raises UnsupportedError, since LLVM would write garbage for an unknown one."""
    if name not in _ISA:
        raise UnsupportedError(f"there is no GPU target '{name}' (targets: {', '.join(_ISA)})")
    return Target(TRIPLE, name, f"+{_ISA[name]}")


def check_declared(text: str) -> None:
    """Raises UnsupportedError for a function that the text calls and no PTX can be made of: LLVM ends the process there."""
    for name in _DECLARED.findall(text):
        if not _ALLOWED.fullmatch(name):
            raise UnsupportedError(f"there is no PTX for a call of '{name}'")
    if re.search(r"= frem ", text):
        raise UnsupportedError("there is no PTX for the remainder of floats")


def ptx(text: str, target: Target) -> str:
    """PTX of LLVM text. Raises UnsupportedError for intrinsics that have none, AssemblyError on text LLVM refuses."""
    check_declared(text)
    with _LOCK:
        initialise_all()
        machine = llvm.Target.from_triple(target.triple).create_target_machine(
            cpu=target.cpu, features=target.features, opt=2
        )
        context = llvm.create_context()
        try:
            module = llvm.parse_assembly(text, context)
            module.triple = target.triple
            module.data_layout = str(machine.target_data)
            module.verify()
        except RuntimeError as error:
            raise AssemblyError(f"LLVM refuses this text: {str(error).strip()}") from None
        return str(machine.emit_assembly(module))
