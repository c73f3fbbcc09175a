"""The project's figures, as ratios measured in the same run: `python tests/bench/figures.py [NAME ...]`.

Times are medians of interleaved rounds; one-thread comparisons use the process's CPU time, so that a busy machine does
not decide them. PyTorch is needed for the comparison with PyTorch alone."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ["IRC_CACHE"] = "0"  # compile times are those of compiling

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import irc
from irc.frontends.recorder.backend import apart, using

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
SEED = ROOT / "examples" / "seeds" / "cnn.py"
ROUNDS = 9
THREADS = irc.get_num_threads()


def interleaved(
    clock: Callable[[], float], runs: Sequence[Callable[[], Any]], seconds: float = 0.05
) -> list[float]:
    """The median time of each run, measured in turns."""
    counts = []
    for run in runs:
        run()
        start = time.perf_counter()
        run()
        counts.append(max(1, int(seconds / max(time.perf_counter() - start, 1e-7))))
    samples: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, count, kept in zip(runs, counts, samples, strict=True):
            start = clock()
            for _ in range(count):
                run()
            kept.append((clock() - start) / count)
    return [statistics.median(kept) for kept in samples]


def matmul() -> None:
    """f32 matrix products, one thread: NumPy's time over irc's."""
    irc.set_num_threads(1)
    rng = np.random.default_rng(0)
    for n in (128, 256, 512, 768, 1024):
        t = f"tensor<{n}x{n}xf32>"
        text = (
            f"func.func @main(%a: {t}, %b: {t}) -> {t} {{\n"
            f"  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : ({t}, {t}) -> {t}\n"
            f"  return %0 : {t}\n}}"
        )
        program = irc.compile_module(irc.parse(text))
        a, b = (rng.standard_normal((n, n), dtype=np.float32) for _ in range(2))
        np.testing.assert_allclose(program(a, b)[0], a @ b, rtol=1e-3, atol=1e-3)
        ours, theirs = interleaved(time.process_time, [partial(program, a, b), partial(np.matmul, a, b)])
        print(f"matmul {n:5}: {theirs / ours:5.2f} x NumPy   ({2e-9 * n**3 / ours:.0f} GFLOP/s)")
    irc.set_num_threads(THREADS)


SETUP = """
import {torch} as torch
import {torch}.nn as nn
import {torch}.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(64 * 16 * 16, 128)
        self.fc2 = nn.Linear(128, 10)
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc2(F.relu(self.fc1(x)))

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
def step(x, y):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
"""


def training() -> None:
    """The seed network's training step at batch 32: PyTorch eager's time over irc's, from the same weights."""
    import torch as peer

    rng = np.random.default_rng(0)
    images = rng.standard_normal((32, 3, 32, 32), dtype=np.float32)
    labels = rng.integers(0, 10, 32)
    ours, theirs = {}, {}  # type: ignore[var-annotated]
    exec(SETUP.format(torch="irc.torch"), ours)
    exec(SETUP.format(torch="torch"), theirs)
    theirs["model"].load_state_dict(
        {k: peer.tensor(v.numpy()) for k, v in ours["model"].state_dict().items()}
    )
    compiled = irc.compile(ours["step"])
    x, y = ours["torch"].tensor(images), ours["torch"].tensor(labels)
    px, py = peer.tensor(images), peer.tensor(labels)
    losses = [(float(compiled(x, y).item()), float(theirs["step"](px, py).item())) for _ in range(5)]
    worst = max(abs(a - b) / abs(b) for a, b in losses)
    print(f"training step: losses of 5 steps agree to {worst:.1e} relative")
    assert worst < 1e-3
    for threads in (1, 2):
        irc.set_num_threads(threads)
        peer.set_num_threads(threads)
        clock = time.process_time if threads == 1 else time.perf_counter
        runs = [lambda: compiled(x, y), lambda: ours["step"](x, y), lambda: theirs["step"](px, py)]
        whole, recorded, eager = interleaved(clock, runs, 0.1)
        print(
            f"training step, {threads} thread(s): compiled {eager / whole:.2f} x PyTorch eager ({whole * 1e3:.1f} ms), "
            f"undecorated {eager / recorded:.2f} x ({recorded * 1e3:.1f} ms)"
        )
    irc.set_num_threads(THREADS)


def overhead() -> None:
    """A call with ten small arrays, and what a compiled function adds."""
    names = [f"%a{i}" for i in range(10)]
    t = "tensor<4xf32>"
    text = f"func.func @main({', '.join(f'{n}: {t}' for n in names)}) -> {t} {{\n"
    last = names[0]
    for i, n in enumerate(names[1:]):
        text += f"  %s{i} = stablehlo.add {last}, {n} : {t}\n"
        last = f"%s{i}"
    program = irc.compile_module(irc.parse(text + f"  return {last} : {t}\n}}"))
    arrays = [np.ones(4, np.float32) for _ in names]
    call, add = interleaved(
        time.perf_counter, [lambda: program.call(*arrays), lambda: np.add(arrays[0], arrays[1])]
    )
    print(f"call with 10 small arrays: {call * 1e6:.2f} us (np.add of two: {add * 1e6:.2f} us)")


def _python(code: str, **environment: str) -> float:
    """Wall seconds of a fresh interpreter running `code`."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, **environment}, capture_output=True
    )
    return time.perf_counter() - start


def cold() -> None:
    """Cold times, each in a fresh process: import, compile of the seed network's forward and training step, irc dump."""
    bare = statistics.median(_python("pass") for _ in range(7))
    imported = statistics.median(_python("import irc") for _ in range(7))
    print(f"import irc: {1e3 * (imported - bare):.1f} ms over a bare interpreter")
    head = (
        "import irc, time, sys\n"
        + SETUP.format(torch="irc.torch")
        + "x = torch.randn(32, 3, 32, 32)\ny = torch.randint(0, 10, (32,))\n"
    )
    # Programs that make the random weights and inputs are compiled before the clock starts.
    head += "sum(p.sum().item() for p in model.parameters()); x.sum().item(); y.sum().item()\n"
    cases = {
        "forward": "with torch.no_grad():\n    model(x).numpy()",
        "training step": "irc.compile(step)(x, y).item()",
    }
    for name, body in cases.items():
        code = f"{head}start = time.perf_counter()\n{body}\nprint(time.perf_counter() - start)"
        spent = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code], check=True, capture_output=True, text=True
                ).stdout
            )
            for _ in range(5)
        ]
        print(f"cold compile and first run of the seed network's {name}: {statistics.median(spent):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "model.py"
        program.write_text(
            SETUP.format(torch="irc.torch")
            + "step(torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,)))\n"
        )
        code = f"import sys; from irc.cli import main; sys.exit(main(['dump', {str(program)!r}]))"
        print(
            f"irc dump of the seed network: {statistics.median(_python(code) for _ in range(3)):.2f} s, PATH empty:",
            end=" ",
        )
        print(f"{_python(code, PATH=''):.2f} s")


def recurrent() -> None:
    """Compile time of one training step of a recurrent classifier at 10, 100 and 1000 time steps, in both styles.

    Each sample compiles everything anew (nothing is known from before); the three lengths take turns."""
    from rnn_steps import STYLES

    for style, step in STYLES.items():
        samples: dict[int, list[float]] = {10: [], 100: [], 1000: []}
        for _ in range(ROUNDS):
            for steps, kept in samples.items():
                kept.append(_compile_seconds(partial(step, steps)))
        medians = {steps: statistics.median(kept[1:]) for steps, kept in samples.items()}
        shown = ", ".join(f"T = {steps}: {1e3 * s:.0f} ms" for steps, s in medians.items())
        print(
            f"recurrent classifier, {style} style, compile time: {shown}; "
            f"longest over shortest {max(medians.values()) / min(medians.values()):.2f} x"
        )


def _compile_seconds(run: Callable[[], Any]) -> float:
    """CPU seconds spent in the compiler while something runs; Python's collector, which comes when it likes, waits."""
    spent = 0.0
    gc.collect()
    gc.disable()

    def timed(module: Any, donate: Any) -> Any:
        nonlocal spent
        start = time.process_time()
        made = irc.compile_module(module, donate=donate)
        spent += time.process_time() - start
        return made

    try:
        with apart(), using(timed):
            run()
    finally:
        gc.enable()
    return spent


def fit() -> None:
    """The seed network through Keras's `fit`, a step of batch 32, against the same step in PyTorch's style (compiled by
    irc as well): their CPU times in turns, with callbacks, metrics and batches on the side of `fit`."""
    import irc.tensorflow as tf

    rng = np.random.default_rng(0)
    rows = 32 * 8
    images = rng.standard_normal((rows, 3, 32, 32), dtype=np.float32)
    labels = rng.integers(0, 10, rows)
    ours: dict[str, Any] = {}
    exec(SETUP.format(torch="irc.torch"), ours)
    compiled, tensor = irc.compile(ours["step"]), ours["torch"].tensor
    model = _keras_seed(tf)
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    pairs = [(images[i : i + 32], labels[i : i + 32]) for i in range(0, rows, 32)]

    def torch_epoch() -> None:
        for x, y in pairs:
            compiled(tensor(x), tensor(y))

    def keras_epoch() -> None:
        model.fit(channels_last, labels, batch_size=32, shuffle=False, verbose=0)

    irc.set_num_threads(1)
    for _ in range(3):
        theirs, fitted = interleaved(time.process_time, [torch_epoch, keras_epoch], 0.1)
        print(
            f"seed network, a step through fit: {fitted / 8 * 1e3:.2f} ms, torch form {theirs / 8 * 1e3:.2f} ms: "
            f"{fitted / theirs:.3f} x"
        )
    print(
        f"Python of fit around a step: {1e6 * _around_a_step(tf):.0f} us (a model of one weight, all of its step)"
    )
    irc.set_num_threads(THREADS)


def _keras_seed(tf: Any) -> Any:
    """The seed network in Keras's style, channels last."""
    keras, layers = tf.keras, tf.keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss)
    return model


def _around_a_step(tf: Any) -> float:
    """Seconds that a step of `fit` takes where there is next to nothing to compute."""
    model = tf.keras.Sequential([tf.keras.Input((1,)), tf.keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", loss="mse")
    x = np.zeros((32 * 64, 1), np.float32)
    (epoch,) = interleaved(
        time.process_time, [lambda: model.fit(x, x, batch_size=32, shuffle=False, verbose=0)]
    )
    return epoch / 64


FIGURES = {f.__name__: f for f in (matmul, training, fit, recurrent, overhead, cold)}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()
