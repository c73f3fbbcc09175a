"""nn.Module: a tree of named parameters, buffers and modules, called through `forward`."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from irc.frontends.errors import (
    RecordAttributeError,
    RecordError,
    RecordKeyError,
    RecordTypeError,
)
from irc.frontends.recorder.gradient import flush
from irc.frontends.recorder.graph import recorder
from irc.frontends.recorder.storage import located
from irc.frontends.source import Scope, Site, name_in_frames, scopes
from irc.frontends.torch.dtypes import dtype
from irc.frontends.torch.grad_mode import no_grad
from irc.frontends.torch.in_place import copy_
from irc.frontends.torch.nn.parameter import Buffer, Parameter, UninitializedParameter
from irc.frontends.torch.tensor import Tensor

M = TypeVar("M", bound="Module")


class Keys(NamedTuple):
    """What load_state_dict found wrong."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        return "<All keys matched successfully>" if not any(self) else NamedTuple.__repr__(self)


class Handle:
    """Removes a hook."""

    _next = 0

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.hooks = hooks
        self.id = Handle._next
        Handle._next += 1

    def remove(self) -> None:
        self.hooks.pop(self.id, None)


class _Compilable:
    """`__irc_compile__` of a module and of a module class: makes calls of it go through a compiled function."""

    def __get__(self, instance: Any, owner: Any) -> Callable[[Any], Any]:
        if instance is not None:
            return functools.partial(_compile_instance, instance)
        return functools.partial(_compile_class, owner)


def _compile_instance(module: Module, make: Callable[..., Any]) -> Module:
    module.__dict__["_compiled"] = make(functools.partial(Module._call, module), name=type(module).__name__)
    return module


def _compile_class(kind: type[Module], make: Callable[..., Any]) -> type[Module]:
    kind._compiler = staticmethod(make)
    return kind


class Module:
    """Base of all modules. Assigning a Parameter, Buffer or Module to an attribute registers it."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _compiler: Any = None
    __irc_compile__ = _Compilable()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        put = self.__dict__.__setitem__
        put("_parameters", {})
        put("_buffers", {})
        put("_modules", {})
        put("_volatile", set())
        put("_forward_hooks", {})
        put("_forward_pre_hooks", {})
        put("training", True)
        put("_root_name", None)
        put("_compiled", None)
        put("_made_at", Site.making(self))

    # Attributes.

    def __setattr__(self, name: str, value: Any) -> None:
        here = self.__dict__
        if isinstance(value, Parameter):
            self._declared(name)
            _drop(here, name, here["_buffers"], here["_modules"])
            self._parameters[name] = value
        elif isinstance(value, Module):
            self._declared(name)
            _drop(here, name, here["_parameters"], here["_buffers"])
            self._modules[name] = value
        elif isinstance(value, Buffer):
            self._declared(name)
            self.register_buffer(name, value, value.persistent)
        elif "_parameters" in here and name in here["_parameters"]:
            if value is not None:
                raise located(
                    RecordTypeError(
                        f"cannot assign '{type(value).__name__}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                    )
                )
            self._parameters[name] = None
        elif "_modules" in here and name in here["_modules"] and value is None:
            self._modules[name] = None
        elif "_buffers" in here and name in here["_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise located(
                    RecordTypeError(
                        f"cannot assign '{type(value).__name__}' object to buffer '{name}' (torch.Tensor or None required)"
                    )
                )
            self._buffers[name] = value
        else:
            if name == "training":
                recorder.epoch += 1
            object.__setattr__(self, name, value)

    def _declared(self, name: str) -> None:
        if "_parameters" not in self.__dict__:
            kind = type(self).__name__
            raise located(
                RecordAttributeError(
                    f"cannot assign module or parameter '{name}' before Module.__init__() call",
                    notes=(f"write super().__init__() first in {kind}.__init__",),
                )
            )

    def __getattr__(self, name: str) -> Any:
        here = self.__dict__
        for table in ("_parameters", "_buffers", "_modules"):
            found = here.get(table)
            if found is not None and name in found:
                return found[name]
        if "_parameters" not in here and not name.startswith("__"):
            kind = type(self).__name__
            raise located(
                RecordAttributeError(
                    f"'{kind}' object has no attribute '{name}'",
                    notes=(f"super().__init__() has not been called in {kind}.__init__",),
                )
            )
        raise located(RecordAttributeError(f"'{type(self).__name__}' object has no attribute '{name}'"))

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers, *self._modules]

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under a name (None: there is none, and state_dict leaves it out)."""
        self._check_name(name)
        if param is not None and not isinstance(param, Parameter):
            raise located(
                RecordTypeError(
                    f"cannot assign '{type(param).__name__}' object to parameter '{name}' (torch.nn.Parameter or None required)"
                )
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is state but not trained."""
        self._check_name(name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise located(
                RecordTypeError(
                    f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)"
                )
            )
        self._buffers[name] = tensor
        if persistent:
            self._volatile.discard(name)
        else:
            self._volatile.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Adds a child under a name."""
        if module is not None and not isinstance(module, Module):
            raise located(RecordTypeError(f"{type(module).__name__} is not a Module subclass"))
        self._check_name(name)
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, name: Any) -> None:
        self._declared(str(name))
        if not isinstance(name, str):
            raise located(RecordTypeError(f"name should be a string. Got {type(name).__name__}"))
        if "." in name or not name:
            raise located(RecordKeyError(f'a name can\'t contain "." or be empty, got: {name!r}'))
        if name in self.__dict__ or hasattr(type(self), name):
            raise located(RecordKeyError(f"attribute '{name}' already exists"))

    # Calling.

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise located(
            RecordError(f'Module [{type(self).__name__}] is missing the required "forward" function')
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if scopes.current is None and not recorder.graph.tracing:
            compiled = self.__dict__["_compiled"]
            if compiled is None and self._compiler is not None:
                compiled = _compile_instance(self, self._compiler).__dict__["_compiled"]
            if compiled is not None:
                self._name_root()
                return compiled(*args, **kwargs)
        return self._call(*args, **kwargs)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        outer = scopes.current
        scope = self._root_scope(args) if outer is None else Scope(self, outer)
        if recorder.graph.tracing:
            recorder.graph.modules[self] = self.training
        scopes.current = scope
        try:
            if self._forward_pre_hooks:
                for hook in list(self._forward_pre_hooks.values()):
                    changed = hook(self, args)
                    if changed is not None:
                        args = changed if isinstance(changed, tuple) else (changed,)
            result = self.forward(*args, **kwargs)
            if self._forward_hooks:
                for hook in list(self._forward_hooks.values()):
                    changed = hook(self, args, result)
                    result = result if changed is None else changed
            return result
        finally:
            scopes.current = outer

    def _root_scope(self, args: tuple[Any, ...]) -> Scope:
        self._name_root()
        first = next((a for a in args if isinstance(a, Tensor)), None)
        batch = first.shape[0] if first is not None and first.dim() else None
        return Scope(self, None, self._root_name, batch)

    def _name_root(self) -> None:
        """At the first call: the name by which the user knows the module."""
        if self._root_name is None:
            self.__dict__["_root_name"] = name_in_frames(self) or type(self).__name__.lower()
            self._settle()

    def _settle(self) -> None:
        """Computes parameters that are still being initialised: their draws are a segment of their own, so that the first
        training step has the structure of all others."""
        if not recorder.graph.tracing and any(p._read().array is None for p in self.parameters()):
            flush()

    def _child_path(self, child: Module) -> str | None:
        """The path from this module to one below it."""
        for name, module in self.named_modules():
            if module is child:
                return name
        return None

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, **options: Any
    ) -> Handle:
        """`hook(module, args, output)` after each forward; what it returns (unless None) replaces the output."""
        return _add_hook(self._forward_hooks, hook)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, **options: Any
    ) -> Handle:
        """`hook(module, args)` before each forward."""
        return _add_hook(self._forward_pre_hooks, hook)

    # Walking.

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        seen: list[Module] = []
        for name, module in self._modules.items():
            if module is not None and all(module is not other for other in seen):
                seen.append(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        for _, module in self.named_children():
            yield module

    def _members(self, table: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: dict[int, None] = {}
        owners = self.named_modules(prefix=prefix) if recurse else [(prefix, self)]
        for path, module in owners:
            for name, value in getattr(module, table).items():
                if value is not None and id(value) not in seen:
                    seen[id(value)] = None
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        return self._members("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        return self._members("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        module: Module = self
        for part in target.split(".") if target else ():
            found = module._modules.get(part)
            if found is None:
                raise located(RecordAttributeError(f"{type(module).__name__} has no attribute `{part}`"))
            module = found
        return module

    def get_parameter(self, target: str) -> Parameter:
        path, _, name = target.rpartition(".")
        return getattr(self.get_submodule(path), name)

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """`fn` on every module, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # State.

    def train(self: M, mode: bool = True) -> M:
        if not isinstance(mode, bool):
            raise located(RecordTypeError("training mode is expected to be boolean"))
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad.zero_()

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Tensor]:
        """All parameters and persistent buffers by path, sharing their memory."""
        out: OrderedDict[str, Tensor] = OrderedDict() if destination is None else destination
        for path, module in self._paths(prefix):
            own = {**module._parameters, **module._buffers}
            for name, value in own.items():
                if value is not None and name not in module._volatile:
                    out[path + name] = value if keep_vars else value.detach()
        return out

    def _paths(self, prefix: str) -> Iterator[tuple[str, Module]]:
        """Every module under each of its names, with its prefix."""
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module._paths(f"{prefix}{name}.")

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Keys:
        """Copies a state dict into this module; says everything that does not fit at once."""
        own = self.state_dict(keep_vars=True)
        missing = [k for k in own if k not in state_dict]
        unexpected = [k for k in state_dict if k not in own]
        problems = []
        if strict and unexpected:
            problems.append(
                "Unexpected key(s) in state_dict: " + ", ".join(f'"{k}"' for k in unexpected) + ". "
            )
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{k}"' for k in missing) + ". ")
        with no_grad():
            for key, value in state_dict.items():
                target = own.get(key)
                if target is None:
                    continue
                if isinstance(target, UninitializedParameter):
                    target.materialize(tuple(value.shape))
                if tuple(target.shape) != tuple(value.shape):
                    problems.append(
                        f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in "
                        f"current model is {target.shape}."
                    )
                else:
                    copy_(target, value)
        if problems:
            text = "\n\t".join(problems)
            raise located(RecordError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{text}"))
        return Keys(missing, unexpected)

    def _converted(self: M, convert: Callable[[Tensor], Tensor]) -> M:
        moved = False
        for module in self.modules():
            for p in module._parameters.values():
                if p is not None:
                    changed = convert(p.detach())
                    if changed.dtype is not p.dtype or changed._read().place != p._read().place:
                        moved = moved or changed._read().place != p._read().place
                        p.data = changed
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    changed = convert(buffer)
                    if changed is not buffer:
                        moved = moved or changed._read().place != buffer._read().place
                        module._buffers[name] = changed
        if moved:
            recorder.moves += 1
            recorder.epoch += 1
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """`.to(device)` and `.to(dtype)`: floating-point parameters and buffers change."""
        wanted = kwargs.get("dtype") or next((a for a in args if isinstance(a, dtype)), None)
        rest = [a for a in args if not isinstance(a, dtype)]

        def convert(x: Tensor) -> Tensor:
            x = x.to(*rest, **{k: v for k, v in kwargs.items() if k != "dtype"})
            return x.to(wanted) if wanted is not None and x.dtype.is_floating_point else x

        return self._converted(convert)

    def float(self: M) -> M:
        return self._converted(lambda x: x.float() if x.dtype.is_floating_point else x)

    def double(self: M) -> M:
        return self._converted(lambda x: x.double() if x.dtype.is_floating_point else x)

    def half(self: M) -> M:
        return self._converted(lambda x: x.half() if x.dtype.is_floating_point else x)

    def bfloat16(self: M) -> M:
        return self._converted(lambda x: x.bfloat16() if x.dtype.is_floating_point else x)

    def type(self: M, wanted: Any) -> M:
        return self._converted(lambda x: x.type(wanted) if x.dtype.is_floating_point else x)

    def cpu(self: M) -> M:
        return self.to("cpu")

    def cuda(self: M, device: Any = None) -> M:
        return self.to("cuda" if device is None else device)

    def share_memory(self: M) -> M:
        return self

    # Text.

    def extra_repr(self) -> str:
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [line for line in extra.split("\n") if extra]
        children = [f"({name}): {_indented(repr(m))}" for name, m in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join([*lines, *children]) + "\n)"

    def __deepcopy__(self: M, memo: dict[int, Any]) -> M:
        made = self.__class__.__new__(self.__class__)
        memo[id(self)] = made
        for name, value in self.__dict__.items():
            made.__dict__[name] = deepcopy(value, memo)
        made.__dict__["_root_name"] = None
        made.__dict__["_compiled"] = None
        return made


def _drop(here: dict[str, Any], name: str, *tables: dict[str, Any]) -> None:
    here.pop(name, None)
    for table in tables:
        table.pop(name, None)


def _add_hook(hooks: dict[int, Any], hook: Any) -> Handle:
    handle = Handle(hooks)
    hooks[handle.id] = hook
    return handle


def _indented(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line for line in rest)])
