"""The table that `model.summary()` prints, as Keras 3 draws it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

from irc.frontends.tensorflow import nest


def print_summary(
    model: Any,
    line_length: int | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
) -> None:
    """Prints the table of a model's layers, by `print_fn` where one is given."""
    text = summary_text(model, line_length, expand_nested, show_trainable)
    if print_fn is None:
        print(text)
    else:
        print_fn(text + "\n")


def _is_chain(model: Any) -> bool:
    graph = model._graph
    return graph is None or not hasattr(model, "_graph_layers") or graph.is_chain


def summary_text(
    model: Any, line_length: int | None, expand_nested: bool = False, show_trainable: bool = False
) -> str:
    """Layers, output shapes, parameters; what a layer is connected to where that is not the one above."""
    # Only a summary needs rich, and it costs more than the rest of Keras.
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415

    chain = _is_chain(model)
    shares = [0.45, 0.80, 1.0] if chain else [0.3, 0.56, 0.74, 1.0]
    header = ["Layer (type)", "Output Shape", "Param #"] + ([] if chain else ["Connected to"])
    alignment = ["left", "left", "right"] + ([] if chain else ["left"])
    wanted = 88 if chain else 108
    if show_trainable:
        wanted, shares = wanted + 12, [p * 0.90 for p in shares] + [1.0]
        header.append("Trainable")
        alignment.append("center")
    width = line_length or min(wanted, shutil.get_terminal_size().columns - 4)
    edges = [0, *(int(p * width) for p in shares)]
    columns = [
        Column(name, justify=how, width=b - a)  # type: ignore[arg-type]
        for name, how, a, b in zip(header, alignment, edges[:-1], edges[1:], strict=True)
    ]
    table = Table(*columns, width=width, show_lines=True)
    for row in _rows(model, model.layers, chain, expand_nested, show_trainable, 0, escape):
        table.add_row(*row)
    console = Console(highlight=False, force_terminal=False, color_system=None, width=max(width, 80))
    with console.capture() as capture:
        console.print(f'Model: "{escape(model.name)}"')
        console.print(table)
        for line in _totals(model):
            console.print(line)
    return capture.get().rstrip("\n")


def _rows(
    model: Any,
    layers: Sequence[Any],
    chain: bool,
    expand: bool,
    trainable: bool,
    level: int,
    escape: Callable[[str], str],
) -> list[list[str]]:
    rows = []
    prefix = "   " * level + "└ " if level else ""
    for layer in layers:
        row = [
            f"{escape(prefix + layer.name)} ({escape(type(layer).__name__ if type(layer).__name__ != 'Model' else 'Functional')})",
            _shape(layer),
            f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
        ]
        if not chain:
            row.append(", ".join(_connections(model, layer)) or "-")
        if trainable:
            row.append("Y" if layer.trainable and layer.weights else "N" if layer.weights else "-")
        rows.append(row)
        inner = getattr(layer, "layers", None)
        if expand and inner:
            rows += _rows(layer, inner, chain, expand, trainable, level + 1, escape)
    return rows


def _shape(layer: Any) -> str:
    """The shapes of a layer's outputs: symbolic ones, or those of its first call."""
    found = getattr(layer, "_graph", None)
    outputs = layer._inbound_nodes[-1].outputs if layer._inbound_nodes else None
    if outputs is None and found is not None:
        outputs = found.outputs_structure
    if outputs is not None:
        shapes = [str(t.shape) for t in nest.flatten(outputs)]
    else:
        shapes = [str(s) for s in layer._first_shapes or ()]
    if not shapes:
        return "?"
    if len(shapes) == 1 or type(layer).__name__ == "InputLayer":
        return shapes[0]
    opening, closing = "()" if isinstance(outputs, tuple) else "[]"
    return f"{opening}{', '.join(shapes)}{closing}"


def _connections(model: Any, layer: Any) -> list[str]:
    inside = {id(n) for n in model._graph.nodes}
    found = []
    for node in layer._inbound_nodes:
        if id(node) in inside:
            for t in node.inputs:
                source, index, place = t._keras_history
                found.append(f"{source.name}[{index}][{place}]")
    return found


def _totals(model: Any) -> list[str]:
    trained, fixed = _size(model.trainable_weights), _size(model.non_trainable_weights)
    total = (trained[0] + fixed[0], trained[1] + fixed[1])
    lines = []
    held = (0, 0)
    if model.optimizer is not None and model.optimizer.built:
        held = _size(model.optimizer.variables)
    whole = (total[0] + held[0], total[1] + held[1])
    for label, (count, size) in (
        ("Total params", whole), ("Trainable params", trained), ("Non-trainable params", fixed),
    ):  # fmt: skip
        lines.append(f" {label}: {count:,} ({_memory(size)})")
    if held[0]:
        lines.append(f" Optimizer params: {held[0]:,} ({_memory(held[1])})")
    return lines


def _size(variables: Sequence[Any]) -> tuple[int, int]:
    types = [v._read().type for v in variables]
    return sum(int(t.size) for t in types), sum(int(t.nbytes) for t in types)


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"
