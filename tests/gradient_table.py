"""The gradient of every op, in one table.

    python tests/gradient_table.py

runs the tests of `tests/passes/autodiff` that compare with central finite differences in f64, and prints for each op of
the tensor dialects: its rule, how far reverse mode was from the differences in first and second order, how far forward
mode was from reverse mode's transpose, and how far the same gradients in f32, f16 and bf16 were from those in f64 (relative to
the greatest number expected, at worst over all programs with the op). A complex number counts under the type of its parts.
`none`: no program with the op exists in that type. An op without a gradient says why. The status is 1 where an op has no rule,
or a rule that nothing was compared with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "passes" / "autodiff"
FILES = ("elementwise", "indexing", "linalg", "lapack", "others", "reduction", "shape", "control")
COLUMNS = ("vjp", "again", "jvp", "f32", "f16", "bf16")
DIALECTS = ("stablehlo", "chlo", "func")


def rows() -> tuple[list[str], list[str]]:
    """The lines of the table, and the names of ops that lack a rule or a comparison."""
    import autodiff_harness

    from irc.ir.operation import all_operations
    from irc.passes.autodiff import all_rules
    from irc.passes.autodiff.registry import NoGradient, Refused

    rules = all_rules()
    lines = [f"{'op':<36} {' '.join(f'{what:>7}' for what in COLUMNS)}  rule"]
    gaps: list[str] = []
    for name, cls in sorted(all_operations().items()):
        if cls.dialect not in DIALECTS:
            continue
        rule = rules.get(cls)
        if isinstance(rule, NoGradient | Refused):
            kind = "no gradient" if isinstance(rule, NoGradient) else "refused"
            lines.append(f"{name:<36} {' '.join(['      -'] * len(COLUMNS))}  {kind}: {rule.reason}")
            continue
        seen = autodiff_harness.EVIDENCE.get(name, {})
        figures = " ".join(f"{seen[what]:7.0e}" if what in seen else f"{'none':>7}" for what in COLUMNS)
        word = "no rule" if rule is None else type(rule).__name__
        if rule is None or "vjp" not in seen or "jvp" not in seen:
            gaps.append(name)
        lines.append(f"{name:<36} {figures}  {word}")
    return lines, gaps


def main() -> int:
    files = [str(FOLDER / f"test_gradient_{name}.py") for name in FILES]
    status = int(pytest.main([*files, "-q", "-p", "no:cacheprovider"]))
    lines, gaps = rows()
    print("\n".join(lines))
    print(f"{len(gaps)} gaps" + (f": {', '.join(gaps)}" if gaps else ""))
    return status or int(bool(gaps))


if __name__ == "__main__":
    sys.exit(main())
