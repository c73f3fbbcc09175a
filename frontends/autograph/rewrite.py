"""A Python function rewritten so that its `if`, `while`, `for`, `and`, `or`, `not` and calls go through `operators`.

Bodies become functions inside the function, which share its variables by `nonlocal`. Lines and columns stay the user's."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from types import CodeType
from typing import TypeVar

from irc.frontends.autograph.exits import is_guarded, lower_exits
from irc.frontends.autograph.names import Liveness, assigned, walk_here
from irc.frontends.autograph.statements import Statements

Node = TypeVar("Node", bound=ast.AST)

MODULE = "ag__"
"""The name under which a rewritten function knows the operators."""

CHANGES = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "add",
        "update",
        "discard",
        "setdefault",
        "popitem",
        "appendleft",
        "sort",
        "reverse",
    ]
)
"""Methods that change a Python container."""

UNTOUCHED = frozenset(
    ("super", "locals", "globals", "vars", "eval", "exec", "dir", "isinstance", "type", "print")
)
"""Functions that look at their caller's frame, or that cannot hold a branch."""


def rewrite(node: ast.FunctionDef | ast.Lambda, free: Sequence[str], filename: str, owner: str) -> CodeType:
    """The code of the function rewritten; its free variables are those of the original and MODULE. `owner` is the class
    around it, for private names."""
    node = copy.deepcopy(node)
    if owner:
        node = _Private(owner).visit(node)
    if isinstance(node, ast.Lambda):
        node.body = _Rewriter([], []).visit(node.body)
        made: ast.stmt = ast.copy_location(ast.Return(node), node)
        name = "<lambda>"
    else:
        name, made = node.name, _function(node)
    parameters = [MODULE, *(f for f in free if f != MODULE)]
    factory = _definition("ag__factory", parameters, [made], node)
    module = ast.fix_missing_locations(ast.Module([factory], []))
    code = compile(module, filename, "exec", dont_inherit=True)
    outer = next(c for c in code.co_consts if isinstance(c, CodeType))
    return next(c for c in outer.co_consts if isinstance(c, CodeType) and c.co_name == name)


def _function(node: ast.FunctionDef) -> ast.FunctionDef:
    node.decorator_list = []
    node.returns = None
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [a for a in (node.args.vararg, node.args.kwarg) if a is not None]
    for argument in arguments:
        argument.annotation = None
    node.args.defaults = [ast.copy_location(ast.Constant(None), d) for d in node.args.defaults]
    node.args.kw_defaults = [d and ast.copy_location(ast.Constant(None), d) for d in node.args.kw_defaults]
    lower_exits(node)
    parameters = [a.arg for a in arguments]
    rewriter = _Rewriter(node.body, parameters)
    body = rewriter.statements(node.body)
    undefined = [n for n in rewriter.states if n not in parameters]
    first = [
        ast.Assign([ast.Name(n, ast.Store())], _operator("Undefined", [ast.Constant(n)])) for n in undefined
    ]
    node.body = [*(_at(s, body[0]) for s in first), *body]
    return node


def _declared(body: Sequence[ast.stmt], kind: type[ast.Global] | type[ast.Nonlocal]) -> frozenset[str]:
    return frozenset(name for s in walk_here(body) if isinstance(s, kind) for name in s.names)


def _definition(
    name: str, parameters: Sequence[str], body: list[ast.stmt], place: ast.AST
) -> ast.FunctionDef:
    arguments = ast.arguments([], [ast.arg(p) for p in parameters], None, [], [], None, [])
    made = ast.FunctionDef(name, arguments, body, [], None)
    return ast.copy_location(made, place)


def _operator(name: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name(MODULE, ast.Load()), name, ast.Load()), arguments, [])


def _lazy(body: ast.expr) -> ast.Lambda:
    return ast.copy_location(ast.Lambda(ast.arguments([], [], None, [], [], None, []), body), body)


def _strings(names: Sequence[str]) -> ast.expr:
    return ast.Tuple([ast.Constant(n) for n in names], ast.Load())


def _contains(node: ast.AST, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(n, kinds) for n in walk_here([node]))


class _Private(ast.NodeTransformer):
    """__name inside a class is _Class__name."""

    def __init__(self, owner: str) -> None:
        self.prefix = "_" + owner.lstrip("_")

    def _mangled(self, name: str) -> str:
        return self.prefix + name if name.startswith("__") and not name.endswith("__") else name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self._mangled(node.attr)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._mangled(node.id)
        return node


class _Rewriter(Statements):
    """Statements and expressions of one function."""

    def __init__(self, body: Sequence[ast.stmt], parameters: Sequence[str]) -> None:
        super().__init__()
        self.globals = _declared(body, ast.Global)
        self.outer = _declared(body, ast.Nonlocal)
        self.liveness = Liveness(body, self.globals | self.outer)
        self.parameters = parameters
        self.states: dict[str, None] = {}
        """Variables that a branch or loop may assign, which are there from the start."""
        self.enclosing: list[frozenset[str]] = [frozenset(assigned(body)) - frozenset(parameters)]
        """What is assigned in each body around, from the function inwards."""

    # Statements.

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if is_guarded(node) or _contains(node, ast.Return, ast.Break, ast.Continue, ast.Yield, ast.Await):
            return self.generic_visit(node)
        changed = assigned([*node.body, *node.orelse])
        live = self.liveness.after[node]
        outputs = [n for n in changed if n in live]
        others = [n for n in changed if n not in live and n in self.liveness.before[node]]
        states = [*outputs, *others]
        test = self.visit(node.test)
        level = len(self.enclosing)
        body = self._inside(node.body)
        orelse = self._inside(node.orelse)
        k = next(self.numbers)
        made = [
            self._part(f"ag__if_{k}", [], states, body, node),
            self._part(f"ag__else_{k}", [], states, orelse or [ast.Pass()], node),
            *self._states(k, states, node),
        ]
        call = [
            test,
            *_names(k, "if", "else", "get", "put"),
            _strings(states),
            ast.Constant(len(outputs)),
            ast.Constant(level),
        ]
        return self._finished([*made, ast.Expr(_at(_operator("if_stmt", call), node.test))], node)

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        if self._stays(node):
            return self.generic_visit(node)
        states = self._loop_states(node, node.body)
        stop = getattr(node, "ag_stop", None)
        test = node.test
        if stop is not None:
            going = ast.UnaryOp(ast.Not(), ast.Name(stop, ast.Load()))
            test = _at(ast.BoolOp(ast.And(), [going, test]), test)
        test = self.visit(test)
        level = len(self.enclosing)
        body = self._inside(node.body)
        k = next(self.numbers)
        made = [
            self._part(f"ag__test_{k}", [], [], [_at(ast.Return(test), node.test)], node),
            self._part(f"ag__body_{k}", [], states, body, node),
            *self._states(k, states, node),
        ]
        call = [*_names(k, "test", "body", "get", "put"), _strings(states), ast.Constant(level)]
        loop = ast.Expr(_at(_operator("while_stmt", call), node.test))
        return self._finished([*made, loop, *self.statements(node.orelse)], node)

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        if self._stays(node):
            return self.generic_visit(node)
        states = self._loop_states(node, [ast.Assign([node.target], ast.Constant(None)), *node.body])
        stop = getattr(node, "ag_stop", None)
        items = self._items(node.iter)
        level = len(self.enclosing)
        body = self._inside(
            [
                ast.copy_location(ast.Assign([node.target], ast.Name("ag__item", ast.Load())), node.target),
                *node.body,
            ]
        )
        k = next(self.numbers)
        made = [
            self._part(f"ag__body_{k}", ["ag__item"], states, body, node),
            *self._states(k, states, node),
        ]
        going: ast.expr = ast.Constant(None)
        if stop is not None:
            going = _lazy(_at(_operator("not_", [ast.Name(stop, ast.Load())]), node.iter))
        call = [items, going, *_names(k, "body", "get", "put"), _strings(states), ast.Constant(level)]
        loop = ast.Expr(_at(_operator("for_stmt", call), node.iter))
        return self._finished([*made, loop, *self.statements(node.orelse)], node)

    @staticmethod
    def _stays(node: ast.While | ast.For) -> bool:
        exits = any(_contains(s, ast.Return, ast.Yield, ast.Await) for s in node.body)
        return exits or is_guarded(node, tails=False)

    def _items(self, node: ast.expr) -> ast.expr:
        """What a `for` goes over: `range` and tf.range need not be made."""
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in UNTOUCHED):
            call = self.visit(node)
            call.func.attr = "items"
            return call
        return self.visit(node)

    def _loop_states(self, node: ast.stmt, statements: Sequence[ast.stmt]) -> list[str]:
        needed = self.liveness.after[node] | self.liveness.before[node]
        stop = getattr(node, "ag_stop", None)
        return [n for n in assigned(statements) if n in needed or n == stop]

    def _inside(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        self.enclosing.append(frozenset(assigned(statements)))
        try:
            return self.statements(statements)
        finally:
            self.enclosing.pop()

    def _part(
        self, name: str, parameters: list[str], states: Sequence[str], body: list[ast.stmt], place: ast.AST
    ) -> ast.stmt:
        """A function for a part of a statement, which shares the function's variables."""
        return _definition(name, parameters, [*self._declared(states), *body], place)

    def _declared(self, states: Sequence[str]) -> list[ast.stmt]:
        public = [n for n in states if n in self.globals]
        own = [n for n in states if n not in self.globals]
        self.states.update(dict.fromkeys(n for n in own if n not in self.outer))
        return [ast.Global(public)] * bool(public) + [ast.Nonlocal(own)] * bool(own)

    def _states(self, k: int, states: Sequence[str], place: ast.AST) -> list[ast.stmt]:
        """Functions that read and write the variables."""
        values = ast.Tuple([ast.Name(n, ast.Load()) for n in states], ast.Load())
        targets = ast.Tuple([ast.Name(n, ast.Store()) for n in states], ast.Store())
        write: list[ast.stmt] = (
            [ast.Assign([targets], ast.Name("ag__values", ast.Load()))] if states else [ast.Pass()]
        )
        return [
            _definition(f"ag__get_{k}", [], [ast.Return(values)], place),
            _definition(f"ag__put_{k}", ["ag__values"], [*self._declared(states), *write], place),
        ]

    @staticmethod
    def _finished(made: list[ast.stmt], place: ast.AST) -> list[ast.stmt]:
        return [
            ast.fix_missing_locations(ast.copy_location(s, place) if not hasattr(s, "lineno") else s)
            for s in made
        ]

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return [*self._store_checks(node.targets, node), node]

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return [*self._store_checks([node.target], node), node]

    def _store_checks(self, targets: Sequence[ast.expr], place: ast.AST) -> list[ast.stmt]:
        """A check before a store into an object: inside a region it would happen while tracing only."""
        out: list[ast.stmt] = []
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript) and len(self.enclosing) > 1:
                what = ast.Constant(ast.unparse(target))
                check = _operator(
                    "store", [self._plain(target.value), what, ast.Constant(self._level(target.value))]
                )
                out.append(ast.fix_missing_locations(ast.copy_location(ast.Expr(_at(check, target)), place)))
        return out

    @staticmethod
    def _plain(node: ast.expr) -> ast.expr:
        """The object, where naming it again has no effects."""
        if all(isinstance(n, ast.Name | ast.Attribute | ast.expr_context) for n in ast.walk(node)):
            return copy.deepcopy(node)
        return ast.Constant(None)

    def _level(self, node: ast.expr) -> int:
        """The innermost body around in which a variable is assigned; -1 for what comes from outside of the function."""
        if isinstance(node, ast.Name):
            for level in range(len(self.enclosing) - 1, -1, -1):
                if node.id in self.enclosing[level]:
                    return level
        return -1

    # Expressions.

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if _contains(node, ast.NamedExpr, ast.Await, ast.Yield):
            return node
        self.generic_visit(node)
        return _at(_operator("if_exp", [node.test, _lazy(node.body), _lazy(node.orelse)]), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        if _contains(node, ast.NamedExpr, ast.Await, ast.Yield):
            return node
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        return _at(_operator(name, [_lazy(v) for v in node.values]), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return _at(_operator("not_", [node.operand]), node) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        middle = node.comparators[:-1]
        if middle and all(isinstance(m, ast.Name | ast.Constant) for m in middle):
            lefts = [node.left, *middle]
            pairs: list[ast.expr] = [
                _at(ast.Compare(copy.deepcopy(a), [op], [b]), node)
                for a, op, b in zip(lefts, node.ops, node.comparators, strict=True)
            ]
            return self.visit(_at(ast.BoolOp(ast.And(), pairs), node))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Name) and (function.id in UNTOUCHED or function.id == MODULE):
            return self.generic_visit(node)
        changes = isinstance(function, ast.Attribute) and function.attr in CHANGES
        level = self._level(function.value) if changes else 0  # type: ignore[attr-defined]
        self.generic_visit(node)
        callee = node.func
        if changes:
            callee = _at(_operator("changing", [callee, ast.Constant(level)]), function)
        call = _operator("call", [callee, *node.args])
        call.keywords = node.keywords
        return _at(call, node)


def _names(k: int, *parts: str) -> list[ast.expr]:
    return [ast.Name(f"ag__{p}_{k}", ast.Load()) for p in parts]


def _at(node: Node, place: ast.AST) -> Node:
    """The node, and what of it has no place, at a place."""
    return ast.fix_missing_locations(ast.copy_location(node, place))
