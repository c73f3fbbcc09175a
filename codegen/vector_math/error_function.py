"""The error function and its complement."""

from __future__ import annotations

from irc.codegen.vector_math.builder import Builder, Value, power_of_two
from irc.codegen.vector_math.exp_log import exp2_kernel
from irc.codegen.vector_math.polynomial import Table, at_most, copysign, horner, round_scaled

# erf(x)/x - 1 in powers of x**2, for |x| <= 1
_ERF_SMALL: Table = {
    "f32": (0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806903e-05),
    "f64": (
        *(0.12837916709551256, -0.37612638903183343, 0.1128379167093695, -0.02686617064195914),
        *(0.005223977596735929, -0.0008548325485005281, 0.00012055280496945796, -1.4924465650758796e-05),
        *(1.6444150751232753e-06, -1.61839928212644e-07, 1.3616707036707375e-08, -7.607826793297561e-10),
    ),
}
# log2(1 - erf(x)) for 1 <= x
_ERF_LARGE: Table = {
    "f32": (-0.00049286487, -1.6260453, -0.92064947, -0.14875066, 0.031505227, -0.004252468, 0.0002688786),
    "f64": (
        *(-7.253704724074306e-07, -1.6278997039674818, -0.91848260159765, -0.14816975191732132),
        *(0.02739705309828143, 0.0005923896369732524, -0.0027641011974842097, 0.001111787626712474),
        *(-0.00019482756028132872, -2.9242601868326284e-05, 3.292729109407737e-05, -1.2504440232711638e-05),
        *(3.0812036264123306e-06, -5.385724481361968e-07, 6.697502429512802e-08, -5.675987340846199e-09),
        *(2.950265576071875e-10, -7.110468825983081e-12),
    ),
}
# From here on erf rounds to 1.
_ERF_ONE = {"f32": 3.95, "f64": 6.0}


def erf(b: Builder, x: Value) -> Value:
    """The error function. ULP. Near zero an odd polynomial, elsewhere 1 minus two to a polynomial (N. Juffa's form)."""
    magnitude = at_most(b, b.absf(x), _ERF_ONE[b.dtype])
    exponent = horner(b, magnitude, _ERF_LARGE[b.dtype])
    n, _ = round_scaled(b, exponent, 1.0)
    tail = exp2_kernel(b, b.subf(exponent, n))
    large = copysign(b, b.fma(b.negf(tail), power_of_two(b, n), b.const(1.0)), x)
    small = b.fma(horner(b, b.mulf(x, x), _ERF_SMALL[b.dtype]), x, x)
    return b.select(b.cmpf("olt", magnitude, b.const(1.0)), small, large)
