"""Other compilers and frameworks on the same work, each in a process of its own: `python -m irc.cli.peers NAME FOLDER`.

FOLDER holds `request.json`, `inputs.npz` and what the peer runs. The process answers with one line of JSON, having written
`NAME.npz`, its results; then, for each number N read, it runs N times and answers with the seconds that took."""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Step = Callable[[], Any]
"""One run; it gives the results as the peer holds them."""


def xla_step(text: str, inputs: Sequence[Any]) -> Step:
    """A StableHLO text, compiled by XLA on the CPU through jaxlib; arguments wait on the device. Raises what XLA raises when
    it refuses the text."""
    import jax  # noqa: PLC0415
    import jax._src.interpreters.mlir as jax_mlir  # noqa: PLC0415
    import jaxlib._jax as jaxlib  # noqa: PLC0415
    from jaxlib import xla_client  # noqa: PLC0415
    from jaxlib.mlir import ir  # noqa: PLC0415
    from jaxlib.mlir.dialects import chlo, stablehlo  # noqa: PLC0415

    jax.config.update("jax_enable_x64", True)
    backend = jax.devices("cpu")[0].client
    device = backend.local_devices()[0]
    context = jax_mlir.make_ir_context()
    stablehlo.register_dialect(context, load=True)
    chlo.register_dialect(context, load=True)
    with context, ir.Location.unknown(context):
        module = ir.Module.parse(text)
        module.operation.verify()
        devices = jaxlib.DeviceList((device,))
        loaded = backend.compile_and_load(str(module), devices, xla_client.CompileOptions())
    buffers = [jax.device_put(np.asarray(x), device) for x in inputs]

    def step() -> Any:
        made = loaded.execute_sharded(buffers).disassemble_into_single_device_arrays()
        return [r[0].block_until_ready() for r in made]

    return step


def _xla(folder: Path, request: dict[str, Any], inputs: list[Any]) -> tuple[Step, Callable[[Any], list[Any]]]:
    step = xla_step((folder / "program.mlir").read_text(), inputs)
    return step, lambda results: [np.asarray(r) for r in results]


def _model(folder: Path, request: dict[str, Any]) -> Any:
    """The program's model, made by PyTorch itself, with irc's weights."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(request["threads"])
    sys.argv = [request["file"], *request["arguments"]]
    sys.path.insert(0, str(Path(request["file"]).parent))
    found = runpy.run_path(request["file"], run_name="__main__")[request["model"]]
    model = found() if isinstance(found, type) else found
    with np.load(folder / "state.npz") as state:
        model.load_state_dict({name: torch.from_numpy(state[name]) for name in state.files})
    return model.eval()


def _torch(
    folder: Path, request: dict[str, Any], inputs: list[Any]
) -> tuple[Step, Callable[[Any], list[Any]]]:
    import torch  # noqa: PLC0415

    model, tensors = _model(folder, request), [torch.from_numpy(x) for x in inputs]

    def step() -> Any:
        with torch.inference_mode():
            return model(*tensors)

    return step, lambda made: [t.numpy() for t in (made if isinstance(made, tuple | list) else (made,))]


def _openvino(
    folder: Path, request: dict[str, Any], inputs: list[Any]
) -> tuple[Step, Callable[[Any], list[Any]]]:
    """The model converted by OpenVINO, in f32 (its default may be less)."""
    import openvino  # noqa: PLC0415
    import torch  # noqa: PLC0415

    tensors = tuple(torch.from_numpy(x) for x in inputs)
    converted = openvino.convert_model(_model(folder, request), example_input=tensors)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": request["threads"]}
    asked = openvino.Core().compile_model(converted, "CPU", settings).create_infer_request()
    count = len(converted.outputs)

    def step() -> Any:
        asked.infer(inputs, share_inputs=True, share_outputs=True)
        return asked

    return step, lambda made: [np.array(made.get_output_tensor(i).data) for i in range(count)]


def _onnxruntime(
    folder: Path, request: dict[str, Any], inputs: list[Any]
) -> tuple[Step, Callable[[Any], list[Any]]]:
    """The model as PyTorch exports it to ONNX."""
    import onnxruntime  # noqa: PLC0415
    import torch  # noqa: PLC0415

    path, tensors = str(folder / "model.onnx"), tuple(torch.from_numpy(x) for x in inputs)
    torch.onnx.export(_model(folder, request), tensors, path, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = request["threads"]
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {i.name: x for i, x in zip(session.get_inputs(), inputs, strict=True)}
    return lambda: session.run(None, feeds), list


PEERS = {
    "jax": ("XLA", _xla),
    "torch": ("PyTorch", _torch),
    "onnxruntime": ("onnxruntime", _onnxruntime),
    "openvino": ("OpenVINO", _openvino),
}
"""By the module that must be installed: the name people know, and what makes its step."""

NEEDS = {"onnxruntime": ("torch", "onnx"), "openvino": ("torch",)}
"""Further modules a peer takes."""


def main(name: str, folder: Path) -> None:
    """Answers on the standard output that the process was started with; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    request = json.loads((folder / "request.json").read_text())
    with np.load(folder / "inputs.npz") as kept:
        inputs = [kept[key] for key in kept.files]
    try:
        step, arrays = PEERS[name][1](folder, request, inputs)
        np.savez(folder / f"{name}.npz", *arrays(step()))
    except Exception as error:
        lines = str(error).strip().splitlines()
        answers.write(json.dumps({"error": f"{type(error).__name__}: {lines[0] if lines else ''}"}) + "\n")
        return
    answers.write("{}\n")
    held = None
    for line in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(int(line)):
            # A result that lives until the next is there keeps allocators from giving its memory back each time.
            held = step()
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        answers.write(json.dumps(spent) + "\n")
    del held


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
