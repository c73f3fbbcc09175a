"""Every form that others write, two-way: what is read means the same to MLIR when it is printed, and reads back to the same text.

Each text stands beside another of the same meaning, so that a form that is read wrongly differs, and beside what the printed
text must hold."""

from __future__ import annotations

import mlir_oracle
import numpy as np
import pytest

from irc.dialects.builtin import Module, parse, print_module
from irc.dialects.stablehlo import BatchNormInference
from irc.errors import ParseError, VerifyError
from irc.ir.keys import structural_key
from irc.ir.locations import CallSiteLoc, FileLineCol, FusedLoc, Location, NameLoc, TextLoc
from irc.ir.operation import Value
from irc.ir.text import parse_attribute
from irc.ir.types import TensorType, f64

F = "tensor<4xf32>"


def main(*lines: str, result: str = F, arguments: str = f"%x: {F}", before: str = "", after: str = "") -> str:
    body = "\n".join(f"  {line}" for line in lines)
    return f"{before}func.func @main({arguments}) -> {result} {{\n{body}\n}}\n{after}"


def returned(value: str, type: str = F) -> str:
    return f"return {value} : {type}"


CONVOLUTION = (
    "%y = stablehlo.convolution(%x, %k) dim_numbers = {numbers}, window = {{stride = [2, 1], pad = [[1, 1], [0, 2]], "
    "lhs_dilate = [1, 1], rhs_dilate = [1, 2], reverse = [true, false]}} {{batch_group_count = 1 : i64, "
    "feature_group_count = 1 : i64}} : ({x}, {k}) -> {y}"
)


def convolution(numbers: str, x: str, k: str, y: str) -> str:
    line = CONVOLUTION.format(numbers=numbers, x=x, k=k, y=y)
    return main(line, returned("%y", y), result=y, arguments=f"%x: {x}, %k: {k}")


REDUCE = "%c = stablehlo.constant dense<0.0> : tensor<f32>"
REDUCED = "(tensor<4xf32>, tensor<f32>) -> tensor<f32>"

FORMS: dict[str, tuple[str, str, str]] = {
    "generic": (
        main("%y = stablehlo.add %x, %x : tensor<4xf32>", returned("%y")),
        main(
            '%y = "stablehlo.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>',
            '"func.return"(%y) : (tensor<4xf32>) -> ()',
        ),
        "stablehlo.add %x, %x : tensor<4xf32>",
    ),
    "properties": (
        main(
            '%y = "stablehlo.transpose"(%x) <{permutation = array<i64: 1, 0>}> {kept = 1 : i32} : (tensor<2x3xf32>) -> tensor<3x2xf32>',
            returned("%y", "tensor<3x2xf32>"),
            result="tensor<3x2xf32>",
            arguments="%x: tensor<2x3xf32>",
        ),
        main(
            "%y = stablehlo.transpose %x, dims = [1, 0] {kept = 1 : i32} : (tensor<2x3xf32>) -> tensor<3x2xf32>",
            returned("%y", "tensor<3x2xf32>"),
            result="tensor<3x2xf32>",
            arguments="%x: tensor<2x3xf32>",
        ),
        "dims = [1, 0] {kept = 1 : i32}",
    ),
    "dialect attributes": (
        main(
            '%y = "stablehlo.compare"(%x, %x) <{compare_type = #stablehlo<comparison_type TOTALORDER>, '
            "comparison_direction = #stablehlo<comparison_direction GE>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>",
            returned("%y", "tensor<4xi1>"),
            result="tensor<4xi1>",
        ),
        main(
            "%y = stablehlo.compare GE, %x, %x, TOTALORDER : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>",
            returned("%y", "tensor<4xi1>"),
            result="tensor<4xi1>",
        ),
        "compare GE, %x, %x, TOTALORDER",
    ),
    "applies": (
        main(
            REDUCE,
            f"%y = stablehlo.reduce(%x init: %c) applies stablehlo.maximum across dimensions = [0] : {REDUCED}",
            returned("%y", "tensor<f32>"),
            result="tensor<f32>",
        ),
        main(
            REDUCE,
            '%y = "stablehlo.reduce"(%x, %c) <{dimensions = array<i64: 0>}> ({',
            "^bb0(%a: tensor<f32>, %b: tensor<f32>):",
            "  %m = stablehlo.maximum %a, %b : tensor<f32>",
            "  stablehlo.return %m : tensor<f32>",
            f"}}) : {REDUCED}",
            returned("%y", "tensor<f32>"),
            result="tensor<f32>",
        ),
        "applies stablehlo.maximum across dimensions = [0]",
    ),
    "reducer": (
        main(
            REDUCE,
            f"%y = stablehlo.reduce(%x init: %c) across dimensions = [0] : {REDUCED}",
            "reducer(%a: tensor<f32>, %b: tensor<f32>) {",
            "  %m = stablehlo.subtract %a, %b : tensor<f32>",
            "  stablehlo.return %m : tensor<f32>",
            "}",
            returned("%y", "tensor<f32>"),
            result="tensor<f32>",
        ),
        main(
            REDUCE,
            '%y = "stablehlo.reduce"(%x, %c) ({',
            "^bb0(%a: tensor<f32>, %b: tensor<f32>):",
            '  %m = "stablehlo.subtract"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>',
            '  "stablehlo.return"(%m) : (tensor<f32>) -> ()',
            f"}}) {{dimensions = array<i64: 0>}} : {REDUCED}",
            returned("%y", "tensor<f32>"),
            result="tensor<f32>",
        ),
        "reducer(%a: tensor<f32>, %b: tensor<f32>)",
    ),
    "convolution numbers": (
        convolution(
            "[b, 0, 1, f]x[0, 1, i, o]->[f, b, 1, 0]",
            "tensor<2x8x9x3xf32>", "tensor<3x2x3x5xf32>", "tensor<5x2x9x4xf32>",
        ),
        convolution(
            "[b,0,1,f] x [0,1,i,o] -> [f,b,1,0]",
            "tensor<2x8x9x3xf32>", "tensor<3x2x3x5xf32>", "tensor<5x2x9x4xf32>",
        ),
        "[b, 0, 1, f]x[0, 1, i, o]->[f, b, 1, 0]",
    ),
    "hexadecimal literals": (
        main('%y = stablehlo.constant dense<"0x0000803F000000C00000C07F000080FF"> : tensor<4xf32>', returned("%y")),
        main("%y = stablehlo.constant dense<[1.0, -2.0, 0x7FC00000, 0xFF800000]> : tensor<4xf32>", returned("%y")),
        "0x7FC00000",
    ),
    "splats": (
        main("%y = stablehlo.constant dense<2.5> : tensor<4xf32>", returned("%y")),
        main('%y = stablehlo.constant dense<[2.5, 2.5, 2.5, 2.5]> : tensor<4xf32>', returned("%y")),
        "dense<2.500000e+00>",
    ),
    "resources": (
        main(
            "%y = stablehlo.constant dense_resource<w> : tensor<4xf32>",
            returned("%y"),
            after='{-#\n  dialect_resources: {\n    builtin: {\n      w: "0x040000000000803F000000400000404000008040"\n    }\n  }\n#-}\n',
        ),
        main("%y = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>", returned("%y")),
        "[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]",
    ),
    "quoted symbols": (
        'func.func private @"a b\\22c"(tensor<4xf32>) -> tensor<4xf32>\n'
        + main('%y = func.call @"a b\\22c"(%x) : (tensor<4xf32>) -> tensor<4xf32>', returned("%y")),
        'func.func private @"a b\\"c"(tensor<4xf32>) -> tensor<4xf32>\n'
        + main('%y = call @"a b\\"c"(%x) : (tensor<4xf32>) -> tensor<4xf32>', returned("%y")),
        '@"a b\\22c"(%x)',
    ),
    "aliases": (
        main(
            "%y = stablehlo.transpose %x, dims = [0] {a = #number, b = [#number, #list]} : (!vec) -> !vec",
            "return %y : !vec",
            result="!vec",
            arguments="%x: !vec",
            before="#number = 7 : i32\n#list = [#number, unit]\n!vec = tensor<4xf32>\n",
        ),
        main(
            "%y = stablehlo.transpose %x, dims = [0] {a = 7 : i32, b = [7 : i32, [7 : i32, unit]]} : "
            "(tensor<4xf32>) -> tensor<4xf32>",
            returned("%y"),
        ),
        "a = 7 : i32, b = [7 : i32, [7 : i32, unit]]",
    ),
    "comments": (
        "// first\nmodule { // {\n"
        + main('%y = stablehlo.add // ) " %x\n %x, // ,\n %x // :\n : // <\n tensor<4xf32> // last', returned("%y"))
        + "} // }\n// {-#",
        "module {\n" + main("%y = stablehlo.add %x, %x : tensor<4xf32>", returned("%y")) + "}",
        "stablehlo.add %x, %x : tensor<4xf32>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_two_spellings_are_one_module(form: str) -> None:
    text, other, _ = FORMS[form]
    assert structural_key(parse(text)) == structural_key(parse(other))
    assert str(parse(text)) == str(parse(other))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_printed_reads_back_exactly(form: str) -> None:
    module = parse(FORMS[form][0])
    printed = str(module)
    assert FORMS[form][2] in printed
    assert str(parse(printed)) == printed
    assert structural_key(parse(printed)) == structural_key(module)
    assert str(parse(print_module(module, generic=True))) == printed


@pytest.mark.parametrize("form", [f for f in FORMS if f != "resources"])
def test_mlir_reads_the_same_from_both(form: str) -> None:
    assert mlir_oracle.generic(str(parse(FORMS[form][0]))) == mlir_oracle.generic(FORMS[form][1])


def test_bits_of_literals_are_kept() -> None:
    """Each pattern of 16 bits, as a bfloat16: NaNs with what they carry, denormals, both zeros."""
    patterns = np.arange(1 << 16, dtype=np.uint16)
    hexadecimal = patterns.tobytes().hex().upper()
    text = main(
        f'%y = stablehlo.constant dense<"0x{hexadecimal}"> : tensor<65536xbf16>',
        returned("%y", "tensor<65536xbf16>"),
        result="tensor<65536xbf16>",
    )
    for module in (parse(text), parse(str(parse(text)))):
        assert (literal(module).view(np.uint16) == patterns).all()


def literal(module: Module) -> np.ndarray:
    constant = next(op for op in module.walk() if op.name == "stablehlo.constant")
    return np.ascontiguousarray(constant.value.array)


def test_a_resource_is_its_blob() -> None:
    text = FORMS["resources"][0]
    assert literal(parse(text)).tolist() == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ParseError, match="resource 'w' has 12 bytes"):
        parse(text.replace("00008040", ""))
    with pytest.raises(ParseError, match="ends within a byte"):
        parse(text.replace("00008040", "0000804"))
    assert "dense_resource<w>" in str(parse(text.partition("{-#")[0], verify=False))


LOCATIONS: dict[str, Location] = {
    "loc(unknown)": Location(),
    'loc("a.py":3:4)': FileLineCol("a.py", 3, 4),
    'loc("a.py":3:4 to :9)': FileLineCol("a.py", 3, 4, 3, 9),
    'loc("a.py":3:4 to 5:6)': FileLineCol("a.py", 3, 4, 5, 6),
    'loc("net.fc1")': NameLoc("net.fc1", Location()),
    'loc("net \\22fc1\\22"("a.py":3:4))': NameLoc('net "fc1"', FileLineCol("a.py", 3, 4)),
    'loc(callsite("f"("a.py":1:2) at "b.py":3:4))': CallSiteLoc(
        NameLoc("f", FileLineCol("a.py", 1, 2)), FileLineCol("b.py", 3, 4)
    ),
    'loc(fused["a.py":1:2, "b.py":3:4])': FusedLoc((FileLineCol("a.py", 1, 2), FileLineCol("b.py", 3, 4))),
    'loc(fused<"why">["a.py":1:2])': FusedLoc((FileLineCol("a.py", 1, 2),), '"why"'),
}


@pytest.mark.parametrize("text", LOCATIONS)
@pytest.mark.parametrize("alias", ["", "before", "after"])
def test_locations_of_all_forms(text: str, alias: str) -> None:
    definition = f"#where = {text}\n" if alias else ""
    used = "loc(#where)" if alias else text
    program = main(
        f"%y = stablehlo.abs %x : tensor<4xf32> {used}",
        f"return %y : tensor<4xf32> {used}",
        arguments=f"%x: tensor<4xf32> {used}",
        before=definition if alias == "before" else "",
        after=definition if alias == "after" else "",
    )
    module = parse(program)
    for read in (module, parse(str(module)), parse(print_module(module, generic=True))):
        operation = next(op for op in read.walk() if op.name == "stablehlo.abs")
        argument = operation.operands[0]
        for location in (operation.location, argument.location, operation.result.location):
            shown = Location() if isinstance(location, TextLoc) else location
            assert shown == LOCATIONS[text]
    assert str(parse(str(module))) == str(module)


def test_an_error_has_a_place_where_a_location_has_none() -> None:
    program = main(
        '%y = stablehlo.abs %x : (tensor<4xf32>) -> tensor<5xf32> loc("net.fc1")',
        returned("%y", "tensor<5xf32>"),
        result="tensor<5xf32>",
    )
    with pytest.raises(VerifyError, match=r"stablehlo\.abs") as caught:
        parse(program)
    assert (caught.value.line, caught.value.column) == (2, 8)


def test_numbers_built_are_those_that_are_read() -> None:
    """An epsilon of 0.001 is the f32 next to it, in the text and out of it."""
    scalars = [Value(TensorType((3,), f64), None, i) for i in range(5)]
    operand = Value(TensorType((2, 3), f64), None, 0)
    built = BatchNormInference(operand, *scalars[:4], epsilon=0.001, feature_index=1)
    assert built.attributes["epsilon"] == parse_attribute("1.000000e-03 : f32")
    assert built.epsilon == float(np.float32(0.001))
