"""What rewriters of statements have in common: functions inside stay as they are, a statement may become several."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence


class Statements(ast.NodeTransformer):
    """Rewrites the statements of one function; `numbers` name the variables that it puts in."""

    def __init__(self) -> None:
        self.numbers = itertools.count()

    def statements(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Each statement rewritten; one may become several."""
        out: list[ast.stmt] = []
        for statement in statements:
            made = self.visit(statement)
            out += made if isinstance(made, list) else [made]
        return out

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = visit_FunctionDef  # type: ignore[assignment]
