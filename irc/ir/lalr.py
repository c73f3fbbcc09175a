"""The loop over the tables that lark makes of a grammar: shift, reduce, and what was expected where neither can be.

lark's own loop looks rules up by their text at every reduction; here each is one step from its state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Action = tuple[Any, tuple[Callable[[list[Any]], Any], int, str] | None]
"""The state to go to; or the rule's callback, its length, and what it makes."""


class Unexpected(Exception):
    """A token (None: the end) that no rule goes on with; `expected` are the names of those that would do."""

    def __init__(self, token: Any, expected: frozenset[str]) -> None:
        super().__init__(token)
        self.token = token
        self.expected = expected


class Tables:
    """lark's parse table with its callbacks, by state and name of token or rule."""

    def __init__(self, lark: Any) -> None:
        # Heavy, and loaded by whoever made `lark`.
        from lark.parsers.lalr_analysis import Shift  # noqa: PLC0415

        inner = lark.parser.parser.parser
        table, callbacks = inner.parse_table, inner.callbacks
        self.start, self.end = table.start_states["start"], table.end_states["start"]
        self.states: dict[Any, dict[str, Action]] = {
            state: {
                name: (arg, None)
                if action is Shift
                else (None, (callbacks[arg], len(arg.expansion), arg.origin.name))
                for name, (action, arg) in actions.items()
            }
            for state, actions in table.states.items()
        }

    def parse(self, tokens: Iterable[Any]) -> None:
        """Runs the rules' callbacks in order; raises Unexpected."""
        states, stack, values = self.states, [self.start], []
        for token in tokens:
            kind = token.type
            while True:
                found = states[stack[-1]].get(kind)
                if found is None:
                    raise Unexpected(token, self._expected(stack[-1]))
                state, rule = found
                if rule is None:
                    stack.append(state)
                    values.append(token)
                    break
                self._reduce(rule, stack, values)
        while stack[-1] != self.end:
            found = states[stack[-1]].get("$END")
            if found is None or found[1] is None:
                raise Unexpected(None, self._expected(stack[-1]))
            self._reduce(found[1], stack, values)

    def _reduce(
        self, rule: tuple[Callable[[list[Any]], Any], int, str], stack: list[Any], values: list[Any]
    ) -> None:
        callback, length, origin = rule
        children = values[-length:] if length else []
        if length:
            del stack[-length:]
            del values[-length:]
        values.append(callback(children))
        stack.append(self.states[stack[-1]][origin][0])

    def _expected(self, state: Any) -> frozenset[str]:
        return frozenset(name for name in self.states[state] if name.isupper())
