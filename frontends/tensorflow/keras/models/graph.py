"""The layers between symbolic inputs and outputs, in the order in which they are computed."""

from __future__ import annotations

from typing import Any

from irc.frontends.errors import RecordValueError
from irc.frontends.recorder.storage import located
from irc.frontends.tensorflow import nest
from irc.frontends.tensorflow.keras.symbolic import KerasTensor, Node, node_of


class LayerGraph:
    """The calls that lead from `inputs` to `outputs` (nested as given), and the layers called, deepest first."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs_structure, self.outputs_structure = inputs, outputs
        self.inputs: list[KerasTensor] = _symbolic(inputs, "inputs")
        self.outputs: list[KerasTensor] = _symbolic(outputs, "outputs")
        self.given = {id(t) for t in self.inputs}
        self.nodes = self._sorted_nodes()
        self.depths = self._depths()
        self.layers = self._ordered_layers()

    def _sorted_nodes(self) -> list[Node]:
        """All calls on the way, each after those it takes from."""
        found: dict[int, Node] = {}
        self._seen: dict[int, int] = {}
        stack: list[tuple[KerasTensor, bool]] = [(t, False) for t in reversed(self.outputs)]
        while stack:
            tensor, is_done = stack.pop()
            node = self._node_behind(tensor)
            if node is None or id(node) in found:
                continue
            if is_done:
                found[id(node)] = node
                continue
            self._seen.setdefault(id(node.layer), len(self._seen))
            stack.append((tensor, True))
            if id(tensor) not in self.given:
                stack += [(t, False) for t in reversed(node.inputs)]
        return list(found.values())

    def _node_behind(self, tensor: KerasTensor) -> Node | None:
        node = node_of(tensor)
        if id(tensor) in self.given:
            return node if node is not None and node.is_input else None
        if node is None or node.is_input:
            raise located(
                RecordValueError(
                    f"`inputs` not connected to `outputs`: {tensor} is needed, and is none of the inputs",
                    notes=("give every keras.Input that the outputs depend on as an input of the model",),
                )
            )
        return node

    def _depths(self) -> dict[int, int]:
        """How many calls lie between each call (by id) and the outputs; a shared layer is as deep as its deepest call."""
        depths: dict[int, int] = {}
        of_layer: dict[int, int] = {}
        inside = {id(n) for n in self.nodes}
        for node in reversed(self.nodes):
            depth = max(depths.get(id(node), 0), of_layer.get(id(node.layer), 0))
            depths[id(node)] = of_layer[id(node.layer)] = depth
            for parent in node.parents:
                if id(parent) in inside:
                    depths[id(parent)] = max(depths.get(id(parent), 0), depth + 1)
        self._layer_depths = of_layer
        return depths

    def _ordered_layers(self) -> list[Any]:
        unused = [node_of(t) for t in self.inputs]
        for node in unused:
            if node is not None and node.is_input and id(node.layer) not in self._layer_depths:
                self._layer_depths[id(node.layer)], self._seen[id(node.layer)] = 0, -1
                self.nodes.append(node)
        layers = {id(n.layer): n.layer for n in self.nodes}
        ordered = sorted(layers.values(), key=lambda x: (-self._layer_depths[id(x)], self._seen[id(x)]))
        names = [layer.name for layer in ordered]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise located(
                RecordValueError(
                    f'The name "{twice}" is used {names.count(twice)} times in the model. All operation names should be unique.'
                )
            )
        return ordered

    @property
    def is_chain(self) -> bool:
        """Whether each layer takes the one before alone, so that connections need not be shown."""
        by_depth: dict[int, int] = {}
        for node in self.nodes:
            depth = self.depths.get(id(node), 0)
            by_depth[depth] = by_depth.get(depth, 0) + 1
        return all(n == 1 for n in by_depth.values()) and all(len(n.inputs) <= 1 for n in self.nodes)

    def run(self, values: list[Any]) -> Any:
        """The outputs for tensors in the inputs' places."""
        made = {id(t): v for t, v in zip(self.inputs, values, strict=True)}
        for node in self.nodes:
            if node.is_input or all(id(t) in made for t in nest.flatten(node.outputs)):
                continue
            args, kwargs = nest.map_structure(
                lambda v: made[id(v)] if isinstance(v, KerasTensor) else v, (node.args, node.kwargs)
            )
            result = node.layer(*args, **kwargs)
            for t, v in zip(nest.flatten(node.outputs), nest.flatten(result), strict=True):
                made[id(t)] = v
        return nest.map_structure(lambda t: made[id(t)], self.outputs_structure)


def _symbolic(structure: Any, what: str) -> list[KerasTensor]:
    found = nest.flatten(structure)
    for t in found:
        if not isinstance(t, KerasTensor):
            raise located(
                RecordValueError(
                    f"All `{what}` values must be KerasTensors. Received: {what}={structure!r:.120} including invalid value "
                    f"{t!r:.60} of type {type(t)}"
                )
            )
    return found
