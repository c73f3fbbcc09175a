"""What recording makes: nodes (an application of a template) and recorded values (one result of a node)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

from irc.frontends.recorder.places import HOME, place_of
from irc.ir.types import TensorType

if TYPE_CHECKING:
    from irc.frontends.recorder.template import Template
    from irc.frontends.source import Site


class Recorded:
    """A value of the program being recorded: pending (its node has not run), computed (`array`), or a placeholder.

    `node` stays after computing for as long as a gradient may be asked for. A value with `leaf` (a weak reference to
    the tensor that collects the gradient, or a function that gives it) ends differentiation. `owner` is a weak reference to the storage or view
    whose `_value` this is: what nobody owns is not computed for its own sake. `source` is the value whose array this one
    shares, held so that the array is never given away."""

    __slots__ = ("__weakref__", "array", "index", "leaf", "node", "owner", "requires_grad", "source", "type")

    def __init__(self, type: TensorType, node: Node | None = None, index: int = 0, array: Any = None) -> None:
        self.type = type
        self.node = node
        self.index = index
        self.array = array
        self.requires_grad = False
        self.leaf: Callable[[], Any] | None = None
        self.owner: ref[Any] | None = None
        self.source: Recorded | None = None

    @property
    def place(self) -> str:
        """Where it lives, or will."""
        if self.array is not None:
            return place_of(self.array)
        if self.node is not None:
            return self.node.place
        return HOME if self.source is None else self.source.place

    @property
    def is_held(self) -> bool:
        """Whether a tensor of the user's still shows this value."""
        if self.owner is None:
            return False
        holder = self.owner()
        return holder is not None and holder._value is self

    @property
    def is_lost(self) -> bool:
        """Whether nothing will ever give its array: it belongs to a compiled function that has returned."""
        node = self.node
        if self.array is not None:
            return False
        if node is None:
            return self.source is None or self.source.is_lost
        return node.computed and self.index not in node.saved

    @property
    def has_history(self) -> bool:
        """Whether a gradient can flow on from here into the node that made it."""
        return self.requires_grad and self.leaf is None and self.node is not None

    @property
    def is_shared(self) -> bool:
        """Whether another library may write to its memory."""
        value = self
        while value.source is not None:
            value = value.source
        return isinstance(value, Shared)

    def alias(self) -> Recorded:
        """Another value with the same contents, which gradients do not flow through and nobody owns yet."""
        made = Recorded(self.type, self.node, self.index, self.array)
        if self.array is not None:
            made.node = None
        made.source = self
        if self.node is not None and self.array is None:
            self.node.results.append(made)
        return made


class Shared(Recorded):
    """The end of a chain of `source`s whose memory is not irc's alone: another library may write to it unseen."""

    __slots__ = ()


class Placeholder(Recorded):
    """A value that a trace takes as an argument, which will be given at a place."""

    __slots__ = ("given",)

    def __init__(self, type: TensorType, given: str) -> None:
        super().__init__(type)
        self.given = given

    @property
    def place(self) -> str:
        return self.given if self.array is None and self.node is None else super().place


class Literal:
    """A Python number used as an operand: a constant until the same program comes back with another number.

    `live` reads the number again when a compiled function is replayed (a learning rate in a param group)."""

    __slots__ = ("live", "type", "value")
    requires_grad = False
    leaf = None
    node = None
    has_history = False

    def __init__(self, value: Any, type: TensorType, live: Callable[[], Any] | None = None) -> None:
        self.value = value
        self.type = type
        self.live = live


Operand = Recorded | Literal


class Node:
    """One recorded operation: a template applied to operands, with the user's place.

    `place` is where it runs. `results` are the recorded values that show some of its values; `saved` are arrays kept for a pending backward;
    `freed` says that a backward has used up its history. `augmented` computes the same values and more, which a
    gradient reads (a loop that keeps what each of its turns saw); the node runs as that where it is there."""

    __slots__ = (
        "augmented",
        "computed",
        "freed",
        "inputs",
        "place",
        "results",
        "saved",
        "sequence",
        "site",
        "template",
    )

    def __init__(
        self, template: Template, inputs: tuple[Operand, ...], site: Site, sequence: int, place: str = HOME
    ) -> None:
        self.template = template
        self.place = place
        self.inputs = inputs
        self.site = site
        self.sequence = sequence
        self.results: list[Recorded] = []
        self.saved: dict[int, Any] = {}
        self.computed = False
        self.freed = False
        self.augmented: Template | None = None

    @property
    def running(self) -> Template:
        """The template that is run."""
        return self.augmented or self.template

    def at(self, index: int, requires_grad: bool = False) -> Recorded:
        """A recorded value for value `index` of the template, result or not."""
        for result in self.results:
            if result.index == index and result.requires_grad is requires_grad:
                return result
        made = Recorded(self.running.values[index].type, self, index, self.saved.get(index))
        made.requires_grad = requires_grad
        if not self.computed:
            self.results.append(made)
        return made
