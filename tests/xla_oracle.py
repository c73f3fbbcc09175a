"""XLA on the CPU, through jaxlib: the outside opinion on what a StableHLO text means."""

from __future__ import annotations

from typing import Any

import numpy as np


def run(text: str, inputs: Any) -> list[np.ndarray[Any, Any]]:
    """The results of @main. Raises what XLA raises when it refuses the text."""
    # jax takes a second to load and is wanted by few tests.
    import jax
    import jax._src.interpreters.mlir as jax_mlir
    import jaxlib._jax as jaxlib
    from jaxlib import xla_client
    from jaxlib.mlir import ir
    from jaxlib.mlir.dialects import chlo, stablehlo

    jax.config.update("jax_enable_x64", True)
    backend = jax.devices("cpu")[0].client
    device = backend.local_devices()[0]
    context = jax_mlir.make_ir_context()
    stablehlo.register_dialect(context, load=True)
    chlo.register_dialect(context, load=True)
    with context, ir.Location.unknown(context):
        module = ir.Module.parse(text)
        module.operation.verify()
        loaded = backend.compile_and_load(
            str(module), jaxlib.DeviceList((device,)), xla_client.CompileOptions()
        )
    buffers = [jax.device_put(np.asarray(x), device) for x in inputs]
    results = loaded.execute_sharded(buffers).disassemble_into_single_device_arrays()
    return [np.asarray(r[0]) for r in results]
