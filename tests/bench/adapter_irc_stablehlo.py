"""irc in the peer benchmark, through the StableHLO text of each workload as JAX lowers it; weights and state are arguments.
For inference the weights are bound before the first call, as other programs hold them as constants; a training step's state
is donated. BENCH_JAX_LAYOUT chooses nhwc (as for JAX) or nchw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import adapter_jax
import numpy as np
import spec
from base import Adapter as Base

import irc

VENV = "irc"
ENV: dict[str, str] = {}
IMPORT = "import irc"
INTERPRETER = __import__("os").environ.get("BENCH_IRC_PYTHON")


class Adapter(Base):
    NAME = "irc_stablehlo"

    def setup(self) -> str:
        irc.set_num_threads(self.threads)
        return str(irc.__version__)

    def load(self, wl: Any, P: dict[str, Any], X: dict[str, Any]) -> None:
        P, X = adapter_jax.load(wl, P, X)
        zeros = {k: np.zeros_like(v) for k, v in P.items()}
        state = (
            (P,) if wl.opt != "adam" else (P, np.float32(0), zeros, {k: v.copy() for k, v in zeros.items()})
        )
        held = {"state": state if wl.kind == "train" else P, "inputs": X}
        image = any(spec.is_image(wl, k) for k in X)
        layout = "nhwc" if adapter_jax.NHWC or not image else "nchw"
        self._wpath = Path(spec.__file__).parent / "stablehlo" / f"{wl.id}.{layout}.mlir"
        self._wnames = json.loads(self._wpath.with_suffix(".json").read_text())["args"]
        # An argument's name is a path into (state, inputs).
        pair = (held["state"], held["inputs"])
        self._warrays = [np.array(eval(f"pair{name}", {"pair": pair}), order="C") for name in self._wnames]
        self._winputs = len(X)

    def build(self, wl: Any) -> Any:
        module = irc.parse(self._wpath.read_text())
        arrays, kept = self._warrays, len(self._warrays) - self._winputs
        if wl.kind != "train":
            call = irc.compile_module(module, keep=range(kept)).bind(dict(enumerate(arrays[:kept])))
            inputs = arrays[kept:]
            return lambda: call(*inputs)[0]
        call = irc.compile_module(module, donate={i: i for i in range(kept)}).call

        def step() -> Any:
            *arrays[:kept], loss = call(*arrays)
            return loss

        return step

    def to_numpy(self, wl: Any, out: Any) -> Any:
        image = adapter_jax.NHWC and wl.model in spec.IMAGE_OUT
        return out.transpose(0, 3, 1, 2) if image else out

    def params(self, wl: Any) -> dict[str, Any]:
        named = zip(self._wnames, self._warrays, strict=True)
        found = {n.removeprefix("[0][0]['").removesuffix("']"): v for n, v in named if n.startswith("[0][0]")}
        return {k: adapter_jax.p_out(wl, k, v) for k, v in found.items()}
