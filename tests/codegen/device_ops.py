"""Every op that kernels for a device are made of, on every element type it takes, each as a small kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from irc.codegen.emit.module import emit_device_module
from irc.dialects import gpu
from irc.dialects.builtin import Module, parse
from irc.dialects.func import Func
from irc.runtime.target import Target

FLOATS = ("f16", "bf16", "f32", "f64")
INTEGERS = ("i1", "i8", "i16", "i32", "i64", "index")
ALL = (*FLOATS, *INTEGERS)
THREADS = 64
_SAME_WIDTH = {
    "f16": "i16",
    "bf16": "i16",
    "i16": "bf16",
    "f32": "i32",
    "i32": "f32",
    "f64": "i64",
    "i64": "f64",
}

_BINARY = {
    FLOATS: ("arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.remf", "arith.maximumf", "arith.minimumf",
             "math.copysign", "math.atan2", "math.powf"),
    INTEGERS: ("arith.addi", "arith.subi", "arith.muli", "arith.andi", "arith.ori", "arith.xori", "arith.maxsi",
               "arith.maxui", "arith.minsi", "arith.minui"),
    INTEGERS[1:]: ("arith.divsi", "arith.divui", "arith.remsi", "arith.remui", "arith.shli", "arith.shrsi", "arith.shrui"),
}  # fmt: skip
_UNARY = {
    FLOATS: ("arith.negf", "math.absf", "math.ceil", "math.floor", "math.round", "math.roundeven", "math.trunc",
             "math.sqrt", "math.rsqrt", "math.cbrt", "math.exp", "math.exp2", "math.expm1", "math.log", "math.log1p",
             "math.log2", "math.tanh", "math.sin", "math.cos", "math.tan", "math.acos", "math.acosh", "math.asin",
             "math.asinh", "math.atan", "math.atanh", "math.cosh", "math.sinh", "math.erf", "math.erfc"),
    INTEGERS[1:-1]: ("math.absi", "math.ctlz", "math.ctpop"),
}  # fmt: skip
_FLOAT_ORDER = (
    "oeq",
    "one",
    "olt",
    "ole",
    "ogt",
    "oge",
    "ord",
    "ueq",
    "une",
    "ult",
    "ule",
    "ugt",
    "uge",
    "uno",
)
_INTEGER_ORDER = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")


@dataclass(frozen=True)
class Case:
    """`%r = op` over operands %x, %y, %z of these types. `form` is the op as text; `{vector}` stands before its types."""

    op: str
    form: str
    operands: tuple[str, ...]
    result: str

    @property
    def name(self) -> str:
        return f"{self.form.split(' %')[0]} {' '.join(self.operands)} -> {self.result}"

    def text(self, wrap: str = "{}") -> str:
        """The op on types written so: `{}` for scalars, `vector<8x{}>` for tiles."""
        kinds = {f"t{n}": wrap.format(t) for n, t in enumerate((*self.operands, self.result))}
        return self.form.format(**kinds)


def elementwise() -> Iterator[Case]:
    """Ops that take scalars, and tiles element by element."""
    for group, arity in ((_UNARY, 1), (_BINARY, 2)):
        for types, names in group.items():
            for name in names:
                operands = ", ".join(("%x", "%y")[:arity])
                yield from (Case(name, f"{name} {operands} : {{t0}}", (t,) * arity, t) for t in types)
    for t in FLOATS:
        yield Case("math.fma", "math.fma %x, %y, %z : {t0}", (t, t, t), t)
        yield from (
            Case("arith.cmpf", f"arith.cmpf {p}, %x, %y : {{t0}}", (t, t), "i1") for p in _FLOAT_ORDER
        )
    for t in INTEGERS:
        yield from (
            Case("arith.cmpi", f"arith.cmpi {p}, %x, %y : {{t0}}", (t, t), "i1") for p in _INTEGER_ORDER
        )
    yield from (Case("arith.select", "arith.select %x, %y, %z : {t0}, {t1}", ("i1", t, t), t) for t in ALL)
    yield from conversions()


def conversions() -> Iterator[Case]:
    """Ops from one element type to another."""
    ranks = {"f16": 1, "bf16": 1, "f32": 2, "f64": 3}
    narrow = INTEGERS[:-1]
    for a in ALL:
        for b in ALL:
            match a in FLOATS, b in FLOATS:
                case True, True if ranks[a] != ranks[b]:
                    names = ["extf" if ranks[a] < ranks[b] else "truncf"]
                case True, False if b != "index":
                    names = ["fptosi", "fptoui"]
                case False, True if a != "index":
                    names = ["sitofp", "uitofp"]
                case False, False if "index" in (a, b) and a != b:
                    names = ["index_cast", "index_castui"]
                case False, False if a != b and "index" not in (a, b):
                    names = ["extsi", "extui"] if narrow.index(a) < narrow.index(b) else ["trunci"]
                case _:
                    names = []
            yield from (Case(f"arith.{n}", f"arith.{n} %x : {{t0}} to {{t1}}", (a,), b) for n in names)
    for a, b in (
        ("f32", "i32"),
        ("i32", "f32"),
        ("f16", "i16"),
        ("bf16", "i16"),
        ("i16", "bf16"),
        ("f64", "i64"),
        ("i64", "f64"),
    ):
        yield Case("arith.bitcast", "arith.bitcast %x : {t0} to {t1}", (a,), b)


def kernel(case: Case, name: str = "k", lanes: int = 1) -> str:
    """The kernel of one elementwise op: a thread for each element, or for each `lanes` of them."""
    size = THREADS * lanes
    buffers = [f"%a{n}: memref<{size}x{t}>" for n, t in enumerate(case.operands)]
    lines = [f"gpu.func @{name}({', '.join(buffers)}, %o: memref<{size}x{case.result}>) kernel",
             f"    attributes {{known_block_size = array<i32: {THREADS}, 1, 1>}} {{", "  %i = gpu.thread_id x"]  # fmt: skip
    if lanes > 1:
        lines += [f"  %l = arith.constant {lanes} : index", "  %at = arith.muli %i, %l : index"]
    for n, t in enumerate(case.operands):
        memory = f"memref<{size}x{t}>"
        if lanes == 1:
            lines.append(f"  %{'xyz'[n]} = memref.load %a{n}[%i] : {memory}")
        else:
            lines.append(f"  %{'xyz'[n]} = vector.load %a{n}[%at] : {memory}, vector<{lanes}x{t}>")
    lines.append("  %r = " + case.text("{}" if lanes == 1 else f"vector<{lanes}x{{}}>"))
    memory = f"memref<{size}x{case.result}>"
    if lanes == 1:
        lines.append(f"  memref.store %r, %o[%i] : {memory}")
    else:
        lines.append(f"  vector.store %r, %o[%at] : {memory}, vector<{lanes}x{case.result}>")
    return "\n".join([*lines, "  gpu.return", "}"])


TILES = {
    "memref.extract_aligned_pointer_as_index": """%at = memref.extract_aligned_pointer_as_index %a : {m} -> index
%rest = arith.remui %at, %c4 : index
%even = arith.cmpi eq, %rest, %c0 : index
%r = arith.select %even, %v, %v : i1, vector<4x{t}>""",
    "vector.broadcast": "%s = memref.load %a[%i, %c0] : {m}\n%r = vector.broadcast %s : {t} to vector<4x{t}>",
    "vector.extract": "%w = vector.extract %v[1] : {t} from vector<4x{t}>\n%r = vector.broadcast %w : {t} to vector<4x{t}>",
    "vector.insert": "%s = memref.load %a[%i, %c1] : {m}\n%r = vector.insert %s, %v[2] : {t} into vector<4x{t}>",
    "vector.shuffle": "%r = vector.shuffle %v, %v [3, 5, 1, 0] : vector<4x{t}>, vector<4x{t}>",
    "vector.extract_strided_slice": "%w = vector.extract_strided_slice %v {{offsets = [1], sizes = [2], strides = [1]}} : vector<4x{t}> to vector<2x{t}>\n%r = vector.shuffle %w, %w [0, 1, 2, 3] : vector<2x{t}>, vector<2x{t}>",
    "vector.insert_strided_slice": "%w = vector.extract_strided_slice %v {{offsets = [1], sizes = [2], strides = [1]}} : vector<4x{t}> to vector<2x{t}>\n%r = vector.insert_strided_slice %w, %v {{offsets = [2], strides = [1]}} : vector<2x{t}> into vector<4x{t}>",
    "vector.shape_cast": "%w = vector.shape_cast %v : vector<4x{t}> to vector<2x2x{t}>\n%r = vector.shape_cast %w : vector<2x2x{t}> to vector<4x{t}>",
    "vector.transpose": "%w = vector.shape_cast %v : vector<4x{t}> to vector<2x2x{t}>\n%u = vector.transpose %w, [1, 0] : vector<2x2x{t}> to vector<2x2x{t}>\n%r = vector.shape_cast %u : vector<2x2x{t}> to vector<4x{t}>",
    "vector.transfer_read": "%r = vector.transfer_read %a[%i, %c1], %p : {m}, vector<4x{t}>",
    "vector.transfer_read of a mask": "%k = vector.create_mask %i : vector<4xi1>\n%r = vector.transfer_read %a[%i, %c0], %p, %k {{in_bounds = [true]}} : {m}, vector<4x{t}>",
    "vector.transfer_write": "%k = vector.constant_mask [3] : vector<4xi1>\nvector.transfer_write %v, %o[%i, %c0], %k {{in_bounds = [true]}} : vector<4x{t}>, {m}\n%r = vector.broadcast %p : {t} to vector<4x{t}>",
    "vector.gather": "%n = vector.step : vector<4xindex>\n%k = vector.constant_mask [4] : vector<4xi1>\n%r = vector.gather %a[%i, %c0] [%n], %k, %v : {m}, vector<4xindex>, vector<4xi1>, vector<4x{t}> into vector<4x{t}>",
    "vector.scatter": "%n = vector.step : vector<4xindex>\n%k = vector.constant_mask [4] : vector<4xi1>\nvector.scatter %o[%i, %c0] [%n], %k, %v : {m}, vector<4xindex>, vector<4xi1>, vector<4x{t}>\n%r = vector.broadcast %p : {t} to vector<4x{t}>",
    "scf.for": "%r = scf.for %j = %c0 to %c4 step %c1 iter_args(%u = %v) -> (vector<4x{t}>) {{\n%s = memref.load %a[%i, %j] : {m}\n%w = vector.insert %s, %u[0] : {t} into vector<4x{t}>\nscf.yield %w : vector<4x{t}>\n}}",
    "scf.if": "%q = arith.cmpi ult, %i, %c4 : index\n%r = scf.if %q -> (vector<4x{t}>) {{\nscf.yield %v : vector<4x{t}>\n}} else {{\n%w = vector.broadcast %p : {t} to vector<4x{t}>\nscf.yield %w : vector<4x{t}>\n}}",
    "scf.while": "%e, %r = scf.while (%n = %c0, %u = %v) : (index, vector<4x{t}>) -> (index, vector<4x{t}>) {{\n%q = arith.cmpi ult, %n, %c4 : index\nscf.condition(%q) %n, %u : index, vector<4x{t}>\n}} do {{\n^bb0(%n: index, %u: vector<4x{t}>):\n%n1 = arith.addi %n, %c1 : index\n%s = memref.load %a[%i, %n] : {m}\n%w = vector.insert %s, %u[1] : {t} into vector<4x{t}>\nscf.yield %n1, %w : index, vector<4x{t}>\n}}",
    "vector.bitcast": "%w = vector.bitcast %v : vector<4x{t}> to vector<4x{b}>\n%r = vector.bitcast %w : vector<4x{b}> to vector<4x{t}>",
    "memref.alloca": "%l = memref.alloca() : memref<4x{t}>\nvector.store %v, %l[%c0] : memref<4x{t}>, vector<4x{t}>\n%s = memref.load %l[%c1] : memref<4x{t}>\n%r = vector.broadcast %s : {t} to vector<4x{t}>",
    "memref.subview": "%b = memref.subview %a[%i, 0] [1, 4] [1, 1] : {m} to memref<1x4x{t}, strided<[4, 1], offset: ?>>\n%r = vector.load %b[%c0, %c0] : memref<1x4x{t}, strided<[4, 1], offset: ?>>, vector<4x{t}>",
    "memref.collapse_shape": "%b = memref.collapse_shape %a [[0, 1]] : {m} into memref<256x{t}>\n%j = arith.muli %i, %c4 : index\n%r = vector.load %b[%j] : memref<256x{t}>, vector<4x{t}>",
    "memref.expand_shape": "%b = memref.expand_shape %a [[0], [1, 2]] output_shape [64, 2, 2] : {m} into memref<64x2x2x{t}>\n%s = memref.load %b[%i, %c1, %c1] : memref<64x2x2x{t}>\n%r = vector.broadcast %s : {t} to vector<4x{t}>",
    "memref.reinterpret_cast": "%b = memref.reinterpret_cast %a to offset: [0], sizes: [256], strides: [1] : {m} to memref<256x{t}>\n%r = vector.load %b[%i] : memref<256x{t}>, vector<4x{t}>",
    "memref.cast": "%b = memref.cast %a : {m} to memref<?x4x{t}>\n%d = memref.dim %a, %c1 : {m}\n%n = arith.remui %i, %d : index\n%r = vector.load %b[%n, %c0] : memref<?x4x{t}>, vector<4x{t}>",
    "memref.prefetch": "memref.prefetch %a[%i, %c0], read, locality<3>, data : {m}\n%r = vector.load %a[%i, %c0] : {m}, vector<4x{t}>",
    "gpu.shuffle": "%s = memref.load %a[%i, %c0] : {m}\n%n = arith.constant 5 : i32\n%w32 = arith.constant 32 : i32\n%w, %ok = gpu.shuffle xor %s, %n, %w32 : {t}\n%r = vector.broadcast %w : {t} to vector<4x{t}>",
    "shared memory": "vector.store %v, %s[%i, %c0] : {s}, vector<4x{t}>\ngpu.barrier\n%j = arith.xori %i, %c4 : index\n%r = vector.load %s[%j, %c0] : {s}, vector<4x{t}>",
}  # fmt: skip
TILES |= {
    f"vector.multi_reduction <{kind}>": f"%w = vector.multi_reduction <{kind}>, %v, %p [0] : vector<4x{{t}}> to {{t}}\n%r = vector.broadcast %w : {{t}} to vector<4x{{t}}>"
    for kind in ("add", "mul", "minimumf", "maximumf", "minsi", "maxsi", "minui", "maxui", "and", "or", "xor")
}
TILES |= {
    "vector.fma": "%r = vector.fma %v, %v, %v : vector<4x{t}>",
    "vector.contract": "%w = vector.shape_cast %v : vector<4x{t}> to vector<2x2x{t}>\n%u = vector.contract {{indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>], iterator_types = [\"parallel\", \"parallel\", \"reduction\"], kind = #vector.kind<add>}} %w, %w, %w : vector<2x2x{t}>, vector<2x2x{t}> into vector<2x2x{t}>\n%r = vector.shape_cast %u : vector<2x2x{t}> to vector<4x{t}>",
    "nvgpu.device_async_copy": "%e = nvgpu.device_async_copy %a[%i, %c0], %s[%i, %c0], 4 : {m} to {s}\n%g = nvgpu.device_async_create_group %e\nnvgpu.device_async_wait %g {{numGroups = 0 : i32}}\n%r = vector.load %s[%i, %c0] : {s}, vector<4x{t}>",
    "nvgpu.device_async_copy of pairs": "%c2 = arith.constant 2 : index\n%e = nvgpu.device_async_copy %a[%i, %c0], %s[%i, %c0], 2 : {m} to {s}\n%h = nvgpu.device_async_copy %a[%i, %c2], %s[%i, %c2], 2 : {m} to {s}\n%g = nvgpu.device_async_create_group %e, %h\nnvgpu.device_async_wait %g {{numGroups = 0 : i32}}\n%r = vector.load %s[%i, %c0] : {s}, vector<4x{t}>",
}  # fmt: skip
_ROWS = "vector.store %v, %s[%i, %c0] : {s}, vector<4x{t}>\ngpu.barrier\n%q = gpu.lane_id\n%j = arith.addi %q, %q : index\n"
TILES |= {
    "nvgpu.ldmatrix": _ROWS + "%w = nvgpu.ldmatrix %s[%j, %c0] {{numTiles = 4 : i32, transpose = true}} : {s} -> vector<4x2x{t}>\n%u = vector.shape_cast %w : vector<4x2x{t}> to vector<8x{t}>\n%r = vector.extract_strided_slice %u {{offsets = [2], sizes = [4], strides = [1]}} : vector<8x{t}> to vector<4x{t}>",
    "nvgpu.mma.sync": _ROWS + "%w = nvgpu.ldmatrix %s[%j, %c0] {{numTiles = 4 : i32, transpose = false}} : {s} -> vector<4x2x{t}>\n%u = nvgpu.ldmatrix %s[%j, %c0] {{numTiles = 2 : i32, transpose = false}} : {s} -> vector<2x2x{t}>\n%z = arith.constant dense<0.0> : vector<2x2xf32>\n%d = nvgpu.mma.sync (%w, %u, %z) {{mmaShape = [16, 8, 16]}} : (vector<4x2x{t}>, vector<2x2x{t}>, vector<2x2xf32>) -> vector<2x2xf32>\n%e = vector.shape_cast %d : vector<2x2xf32> to vector<4xf32>\n%r = arith.truncf %e : vector<4xf32> to vector<4x{t}>",
}  # fmt: skip


def _taken(name: str, t: str) -> bool:
    """Whether an op has this element type at all."""
    kind = name.partition("<")[2].rstrip(">")
    if kind in ("minimumf", "maximumf") or name == "vector.fma":
        return t in FLOATS
    if kind in ("minsi", "maxsi", "minui", "maxui", "and", "or", "xor"):
        return t not in FLOATS
    if name.startswith("nvgpu.device_async_copy"):
        return (t in ("f64", "i64", "index")) == name.endswith("of pairs")
    if name.startswith(("nvgpu.ldmatrix", "nvgpu.mma")):
        return t in ("f16", "bf16")
    if name == "vector.bitcast":
        return t in _SAME_WIDTH
    return name != "vector.contract" or t != "i1"


def tiles() -> Iterator[tuple[str, str]]:
    """(name, kernel as text with `@k`) of ops on tiles, memory and control flow, for every element type they take."""
    for name, form in TILES.items():
        for t in ALL:
            if _taken(name, t):
                yield f"{name} {t}", tile_kernel(form, t)


def tile_kernel(form: str, t: str) -> str:
    """A kernel in which thread %i has the row %v of %a, and the row %o gets %r."""
    memory, shared = f"memref<{THREADS}x4x{t}>", f"memref<{THREADS}x4x{t}, #gpu.address_space<workgroup>>"
    zero = "0.0" if t in FLOATS else "false" if t == "i1" else "0"
    constant = "arith.constant false" if t == "i1" else f"arith.constant {zero} : {t}"
    workgroup = f" workgroup(%s: {shared})" if "{s}" in form else ""
    indices = "\n".join(f"%c{n} = arith.constant {n} : index" for n in (0, 1, 4))
    return f"""gpu.func @k(%a: {memory}, %o: {memory}){workgroup} kernel
    attributes {{known_block_size = array<i32: {THREADS}, 1, 1>}} {{
%i = gpu.thread_id x
{indices}
%p = {constant}
%v = vector.load %a[%i, %c0] : {memory}, vector<4x{t}>
{form.format(t=t, m=memory, s=shared, b=_SAME_WIDTH.get(t, t))}
vector.store %r, %o[%i, %c0] : {memory}, vector<4x{t}>
gpu.return
}}"""


def device_module(*kernels: str) -> Module:
    """A module that holds kernels given as text."""
    body = "\n".join(kernels)
    return parse(f"module attributes {{gpu.container_module}} {{\ngpu.module @kernels {{\n{body}\n}}\n}}")


def llvm_text(module: Module, target: Target) -> str:
    """LLVM text of a module's kernels. Raises UnsupportedError for what is refused."""
    device: Any = next(op for op in module.operations if isinstance(op, gpu.DeviceModule))
    return emit_device_module(device, target)


def function(case: Case) -> Func:
    """One op on whole tiles, for the emulator of kernels: operands are arguments, the result is returned."""
    wrap = f"vector<{THREADS}x{{}}>"
    arguments = ", ".join(f"%{'xyz'[n]}: {wrap.format(t)}" for n, t in enumerate(case.operands))
    result = wrap.format(case.result)
    text = f"func.func @f({arguments}) -> {result} {{\n%r = {case.text(wrap)}\nreturn %r : {result}\n}}"
    found: Any = parse(text).symbols["f"]
    return found
