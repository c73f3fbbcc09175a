"""torch.save and torch.load: safetensors files. Pickles, which run code when they are read, are refused with advice.

Tensors are entries of the file; everything around them (dicts, lists, numbers, strings) is one JSON text in its metadata."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from irc.frontends.errors import RecordError, RecordTypeError
from irc.frontends.recorder.storage import located
from irc.frontends.torch import dtypes
from irc.frontends.torch.creation import from_array
from irc.frontends.torch.dtypes import dtype, of_numpy
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.tensor import Tensor

TREE = "irc.tree"

_NAMES: dict[dtype, str] = {
    dtypes.float64: "F64", dtypes.float32: "F32", dtypes.float16: "F16", dtypes.bfloat16: "BF16", dtypes.int64: "I64",
    dtypes.int32: "I32", dtypes.int16: "I16", dtypes.int8: "I8", dtypes.uint8: "U8", dtypes.bool_: "BOOL",
}  # fmt: skip
_DTYPES = {name: d for d, name in _NAMES.items()}


def save(obj: Any, f: Any, *args: Any, **options: Any) -> None:
    """Writes tensors, and dicts and lists of them, to a safetensors file."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = _encode(obj, "", arrays)
    header: dict[str, Any] = {"__metadata__": {TREE: json.dumps(tree)}}
    at = 0
    for name, array in arrays.items():
        end = at + array.nbytes
        header[name] = {
            "dtype": _NAMES[of_numpy(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join([len(text).to_bytes(8, "little"), text, *(a.tobytes() for a in arrays.values())])
    if hasattr(f, "write"):
        f.write(data)
    else:
        Path(f).write_bytes(data)


def _encode(obj: Any, path: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """`obj` as JSON; tensors go to `arrays` under their paths."""
    if isinstance(obj, Tensor):
        name = path or "tensor"
        arrays[name] = np.asarray(obj._look("torch.save"), order="C")
        return {"tensor": name, "requires_grad": obj.requires_grad}
    if isinstance(obj, dict):
        keys = [[_key(k), _encode(v, f"{path}.{k}" if path else str(k), arrays)] for k, v in obj.items()]
        return {"dict": keys, "ordered": isinstance(obj, OrderedDict)}
    if isinstance(obj, (list, tuple)):
        kind = "list" if isinstance(obj, list) else "tuple"
        return {kind: [_encode(v, f"{path}.{i}", arrays) for i, v in enumerate(obj)]}
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return {"value": obj}
    if isinstance(obj, np.generic):
        return {"value": obj.item()}
    if isinstance(obj, Module):
        raise located(
            RecordTypeError(
                "torch.save of a whole module would have to pickle its code",
                notes=(
                    "write torch.save(net.state_dict(), path), and net.load_state_dict(torch.load(path)) to read it",
                ),
            )
        )
    raise located(
        RecordTypeError(
            f"torch.save takes tensors, dicts, lists, numbers and strings, not {type(obj).__name__}"
        )
    )


def _key(key: Any) -> Any:
    if isinstance(key, (str, int)):
        return key
    raise located(RecordTypeError(f"torch.save takes dicts with str or int keys, not {type(key).__name__}"))


def load(f: Any, map_location: Any = None, *args: Any, **options: Any) -> Any:
    """What torch.save wrote; a safetensors file of others is a dict of its tensors."""
    data = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    size = int.from_bytes(data[:8], "little")
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04") or size > len(data):
        raise located(
            RecordError(
                "this file is a pickle, which can run any code when it is read; irc does not read pickles",
                notes=(
                    "write it as safetensors where PyTorch is: from safetensors.torch import save_file; "
                    "save_file(net.state_dict(), path)",
                ),
            )
        )
    header = json.loads(data[8 : 8 + size])
    tensors = {k: _tensor(v, data, 8 + size) for k, v in header.items() if k != "__metadata__"}
    tree = header.get("__metadata__", {}).get(TREE)
    return OrderedDict(tensors) if tree is None else _decode(json.loads(tree), tensors)


def _tensor(entry: dict[str, Any], data: bytes, base: int) -> Tensor:
    kind = _DTYPES.get(entry["dtype"])
    if kind is None:
        raise located(RecordError(f"the file has a tensor of {entry['dtype']}, which is not there"))
    start, end = entry["data_offsets"]
    array = np.frombuffer(data[base + start : base + end], kind.numpy).reshape(entry["shape"])
    return from_array(array.copy())


def _decode(tree: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    match tree:
        case {"tensor": name, "requires_grad": requires_grad}:
            return tensors[name].requires_grad_(requires_grad)
        case {"dict": pairs, "ordered": ordered}:
            made = {k: _decode(v, tensors) for k, v in pairs}
            return OrderedDict(made) if ordered else made
        case {"list": items}:
            return [_decode(v, tensors) for v in items]
        case {"tuple": items}:
            return tuple(_decode(v, tensors) for v in items)
    return tree["value"]
