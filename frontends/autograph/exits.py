"""`break`, `continue` and `return` inside loops and branches, as flags and guarded statements, so that bodies end at their
end. Python's meaning stays the same; bodies can then become regions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from irc.frontends.autograph.names import LOOPS, SCOPES
from irc.frontends.autograph.statements import Statements

RESULT = "ag__result"
"""The variable that holds what the function returns."""


def lower_exits(function: ast.FunctionDef) -> None:
    """Rewrites a function's body in place."""
    _Loops().visit_body(function)
    if any(_has(s, ast.Return) for s in function.body if isinstance(s, ast.If)):
        function.body = _returning(function.body)
        place = function.body[-1]
        function.body.append(ast.copy_location(ast.Return(_load(RESULT)), place))


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _set(name: str, value: ast.expr, place: ast.AST) -> ast.stmt:
    made = ast.Assign([ast.Name(name, ast.Store())], value)
    return ast.fix_missing_locations(ast.copy_location(made, place))


def _flag(name: str, value: bool, place: ast.AST) -> ast.stmt:
    return _set(name, ast.Constant(value), place)


def _unless(name: str, body: list[ast.stmt], place: ast.AST) -> ast.stmt:
    made = ast.If(ast.UnaryOp(ast.Not(), _load(name)), body, [])
    return ast.fix_missing_locations(ast.copy_location(made, place))


def _has(node: ast.AST, kind: type[ast.AST] | tuple[type[ast.AST], ...], *, own_loop: bool = False) -> bool:
    """Whether a statement of a kind is inside; with `own_loop` not counting those of loops inside."""
    if isinstance(node, kind):
        return True
    if isinstance(node, SCOPES) or (own_loop and isinstance(node, LOOPS)):
        return False
    return any(_has(child, kind, own_loop=own_loop) for child in ast.iter_child_nodes(node))


def is_guarded(node: ast.AST, *, tails: bool = True) -> bool:
    """Whether an exit stands inside a `with` or `try` of this statement: such statements stay Python's. With `tails` a
    `with` that ends by returning is none of them."""
    guards = (n for n in ast.walk(node) if isinstance(n, ast.With | ast.Try | ast.Match) and _has_exit(n))
    return any(not (tails and _only_ends(g)) for g in guards)


def _only_ends(node: ast.AST) -> bool:
    """Whether a `with` leaves by returning at its end."""
    return isinstance(node, ast.With) and _always_returns(node.body) and not _jumps(node)


def _jumps(node: ast.AST) -> bool:
    return any(_has(s, (ast.Break, ast.Continue), own_loop=True) for s in ast.iter_child_nodes(node))


def _has_exit(node: ast.AST) -> bool:
    return _has(node, ast.Return) or _jumps(node)


class _Loops(Statements):
    """Takes break, continue and return out of loops, innermost loops first."""

    def visit_body(self, function: ast.FunctionDef) -> None:
        """Puts the function's statements that an exit of a loop may skip under conditions, in place."""
        function.body = self.statements(function.body)

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        return self._loop(node)

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        return self._loop(node)

    def _loop(self, node: ast.While | ast.For) -> ast.AST | list[ast.stmt]:
        node.body = self.statements(node.body)
        node.orelse = self.statements(node.orelse)
        exits = any(
            _has(s, (ast.Break, ast.Continue), own_loop=True) or _has(s, ast.Return) for s in node.body
        )
        if not exits or is_guarded(node, tails=False):
            return node
        number = next(self.numbers)
        names = _Exits(f"ag__skip_{number}", f"ag__stop_{number}", f"ag__return_{number}")
        stops = any(_has(s, ast.Break, own_loop=True) or _has(s, ast.Return) for s in node.body)
        returns = any(_has(s, ast.Return) for s in node.body)
        node.body = [_flag(names.skip, False, node), *names.lower(node.body)[0]]
        before: list[ast.stmt] = []
        after: list[ast.stmt] = []
        if stops:
            before.append(_flag(names.stop, False, node))
            node.ag_stop = names.stop  # type: ignore[union-attr]
        if returns:
            before.append(_flag(names.done, False, node))
            left = ast.If(_load(names.done), [ast.Return(_load(RESULT))], [])
            after.append(ast.fix_missing_locations(ast.copy_location(left, node)))
        if node.orelse and stops:
            after.insert(0, _unless(names.stop, node.orelse, node))
            node.orelse = []
        return [*before, node, *after]


class _Exits:
    """The flags of one loop: skip the rest of this turn, stop the loop, leave the function."""

    def __init__(self, skip: str, stop: str, done: str) -> None:
        self.skip = skip
        self.stop = stop
        self.done = done

    def lower(self, statements: Sequence[ast.stmt]) -> tuple[list[ast.stmt], bool]:
        """The statements without exits, and whether one of them may have set `skip`."""
        out: list[ast.stmt] = []
        for i, statement in enumerate(statements):
            made, left = self._one(statement)
            out += made
            if left:
                rest, _ = self.lower(statements[i + 1 :])
                if rest and not isinstance(statement, ast.Break | ast.Continue | ast.Return):
                    out.append(_unless(self.skip, rest, rest[0]))
                return out, True
        return out, False

    def _one(self, node: ast.stmt) -> tuple[list[ast.stmt], bool]:
        match node:
            case ast.Continue():
                return [_flag(self.skip, True, node)], True
            case ast.Break():
                return [_flag(self.stop, True, node), _flag(self.skip, True, node)], True
            case ast.Return(value=value):
                given = value if value is not None else ast.Constant(None)
                flags = [_flag(name, True, node) for name in (self.done, self.stop, self.skip)]
                return [_set(RESULT, given, node), *flags], True
            case ast.If():
                node.body, one = self.lower(node.body)
                node.orelse, two = self.lower(node.orelse)
                return [node], one or two
            case _:
                return [node], False


def _always_returns(statements: Sequence[ast.stmt]) -> bool:
    if not statements:
        return False
    match statements[-1]:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=body, orelse=orelse):
            return _always_returns(body) and _always_returns(orelse)
        case ast.With(body=body):
            return _always_returns(body)
        case _:
            return False


def _returning(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """A function's tail in which every path ends by setting RESULT: what follows an `if` that may return goes into the
    branches that do not."""
    for i, statement in enumerate(statements):
        if isinstance(statement, ast.Return):
            value = statement.value if statement.value is not None else ast.Constant(None)
            return [*statements[:i], _set(RESULT, value, statement)]
        if isinstance(statement, ast.Raise):
            return list(statements[: i + 1])
        if isinstance(statement, ast.If) and _has(statement, ast.Return):
            rest = list(statements[i + 1 :])
            if is_guarded(statement) or any(map(is_guarded, rest)):
                # Python's own return leaves from there; the rest goes on.
                continue
            statement.body = _tail(statement.body, rest)
            statement.orelse = _tail(statement.orelse, copy.deepcopy(rest))
            return [*statements[:i], statement]
        if isinstance(statement, ast.With) and not is_guarded(statement) and _has(statement, ast.Return):
            statement.body = _returning(statement.body)
            return list(statements[: i + 1])
    place = statements[-1] if statements else ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    return [*statements, _flag(RESULT, None, place)]  # type: ignore[arg-type]


def _tail(branch: Sequence[ast.stmt], rest: Sequence[ast.stmt]) -> list[ast.stmt]:
    return _returning(branch if _always_returns(branch) else [*branch, *rest])
