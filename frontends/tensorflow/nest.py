"""tf.nest: structures of lists, tuples, named tuples and dicts (in the order of sorted keys)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from irc.frontends.errors import RecordTypeError, RecordValueError
from irc.frontends.recorder.storage import located


def is_nested(structure: Any) -> bool:
    """Whether it is a list, a tuple or a dict."""
    return isinstance(structure, (list, tuple, Mapping))


def _children(structure: Any) -> list[Any]:
    if isinstance(structure, Mapping):
        return [structure[k] for k in _keys(structure)]
    return list(structure)


def _keys(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        raise located(RecordTypeError("nest only supports dicts with sortable keys.")) from None


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves, in order."""
    if not is_nested(structure):
        return [structure]
    out: list[Any] = []
    for child in _children(structure):
        out += flatten(child)
    return out


def _rebuilt(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    made = [_rebuilt(child, leaves) for child in _children(structure)]
    if isinstance(structure, Mapping):
        found = dict(zip(_keys(structure), made, strict=True))
        ordered = {k: found[k] for k in structure}
        return ordered if type(structure) is dict else _as_type(structure, ordered)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*made)
    return tuple(made) if isinstance(structure, tuple) else made


def _as_type(structure: Any, items: dict[Any, Any]) -> Any:
    try:
        return type(structure)(items)
    except TypeError:
        return items


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any], expand_composites: bool = False) -> Any:
    """Leaves put back into a structure."""
    leaves = list(flat_sequence)
    wanted = len(flatten(structure))
    if wanted != len(leaves):
        raise located(
            RecordValueError(f"Structure had {wanted} atoms, but flat_sequence had {len(leaves)} items.")
        )
    return _rebuilt(structure, iter(leaves))


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """The function applied to the leaves of structures that are nested alike."""
    for other in structure[1:]:
        assert_same_structure(structure[0], other)
    flat = zip(*(flatten(s) for s in structure), strict=True)
    return pack_sequence_as(structure[0], [func(*leaves) for leaves in flat])


def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """ValueError where two structures are nested differently."""
    if is_nested(nest1) != is_nested(nest2) or (is_nested(nest1) and not _alike(nest1, nest2)):
        raise located(
            RecordValueError(
                f"The two structures don't have the same nested structure: {nest1!r:.80} and {nest2!r:.80}"
            )
        )
    if is_nested(nest1):
        for a, b in zip(_children(nest1), _children(nest2), strict=True):
            assert_same_structure(a, b)


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) or isinstance(b, Mapping):
        return isinstance(a, Mapping) and isinstance(b, Mapping) and _keys(a) == _keys(b)
    return isinstance(b, Sequence) and len(a) == len(b)
