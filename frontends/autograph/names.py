"""Names in statements: which are assigned, which are read, and which are read later (liveness)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
LOOPS = (ast.While, ast.For)

Names = frozenset[str]
NONE: Names = frozenset()


def walk_here(nodes: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The nodes below, without the insides of functions and classes."""
    stack = list(nodes)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, SCOPES):
            stack.extend(list(ast.iter_child_nodes(node))[::-1])


def assigned(nodes: Iterable[ast.AST]) -> list[str]:
    """The variables that statements assign to, in order of first mention."""
    found: dict[str, None] = {}
    own: set[int] = set()
    for node in walk_here(nodes):
        if isinstance(node, ast.comprehension):
            # A comprehension's variables are its own.
            own.update(id(n) for n in ast.walk(node.target))
    for node in walk_here(nodes):
        if id(node) in own:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found[name] = None
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = None
            case ast.ExceptHandler(name=str(name)):
                found[name] = None
            case ast.alias(name=name, asname=other):
                found[other or name.partition(".")[0]] = None
    return list(found)


def read(nodes: Iterable[ast.AST]) -> Names:
    """The names that are read, those that functions inside read, too."""
    found = set()
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load | ast.Del):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def captured(nodes: Iterable[ast.AST]) -> Names:
    """The names that functions inside read: they may be read at any time."""
    inner = [n for n in walk_here(nodes) if isinstance(n, SCOPES)]
    return read(inner)


def _stop(node: ast.stmt) -> Names:
    """The flag that ends a loop, which its condition reads."""
    stop = getattr(node, "ag_stop", None)
    return NONE if stop is None else frozenset([stop])


class Liveness:
    """What is read after each `if` and loop (`after`), and when one of its parts begins (`before`)."""

    def __init__(self, body: Sequence[ast.stmt], shared: Names = NONE) -> None:
        """`shared` are variables of functions around, and globals: others may read them at any time."""
        self.after: dict[ast.AST, Names] = {}
        self.before: dict[ast.AST, Names] = {}
        self.always = captured(body) | shared
        self.block(body, NONE)

    def block(self, statements: Sequence[ast.stmt], out: Names) -> Names:
        """What is read when the statements begin, if `out` is read after them."""
        for statement in reversed(statements):
            out = self.statement(statement, out)
        return out

    def statement(self, node: ast.stmt, out: Names) -> Names:
        """The names that are read at the start of a statement, given those read behind it."""
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self.after[node] = out | self.always
                inside = self.block(body, out) | self.block(orelse, out)
                self.before[node] = inside
                return inside | read([test])
            case ast.While(test=test, body=body, orelse=orelse):
                self.after[node] = out | self.always
                turn = self._turns(body, out | read([test]) | _stop(node) | self.block(orelse, out))
                self.before[node] = turn
                return turn
            case ast.For(target=target, iter=items, body=body, orelse=orelse):
                self.after[node] = out | self.always
                own = frozenset(assigned([target]))
                rest = out | _stop(node) | self.block(orelse, out)
                # Each turn begins by assigning the target: what the body reads of it is its own turn's.
                inside = self.block(body, rest) - own
                turn = (self.block(body, rest | inside) - own) | rest
                self.before[node] = turn
                return turn | read([items])
            case ast.Return(value=value):
                return read([value] if value is not None else [])
            case ast.With(items=managers, body=body):
                own = frozenset(assigned([m.optional_vars for m in managers if m.optional_vars is not None]))
                return (self.block(body, out) - own) | read(managers)
            case ast.Try():
                return self._attempt(node, out)
            case _:
                return (out - frozenset(assigned([node]))) | read([node])

    def _turns(self, body: Sequence[ast.stmt], out: Names) -> Names:
        """A loop's body may be followed by itself."""
        first = out | self.block(body, out)
        return out | self.block(body, first)

    def _attempt(self, node: ast.Try, out: Names) -> Names:
        """Any statement of a `try` may be the last one of it."""
        parts = [node.body, node.orelse, node.finalbody, *(h.body for h in node.handlers)]
        out = out | read([node])
        for part in parts:
            self.block(part, out)
        return out
