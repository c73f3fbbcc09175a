"""What the programs of this folder start from: weights, and a batch. Dense weights are (in, out), those of convolutions
HWIO, images NCHW; each program turns them as its own style holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


def _drawn(seed: int, **shapes: tuple[int, ...]) -> Arrays:
    """Normal weights of about the size that keeps what goes through them, and small biases."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 100
        found[name] = (rng.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)
    return found


def mlp() -> tuple[Arrays, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Weights, 32 rows of 64 numbers, and their classes as rows of 10."""
    rng = np.random.default_rng(1)
    weights = _drawn(0, w1=(64, 32), b1=(32,), w2=(32, 10), b2=(10,))
    x = rng.standard_normal((32, 64)).astype(np.float32)
    return weights, x, np.eye(10, dtype=np.float32)[rng.integers(0, 10, 32)]


def seed_mlp() -> tuple[Arrays, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Weights, 100 rows of 10 numbers, and which of them have a positive sum."""
    weights = _drawn(4, w1=(10, 10), b1=(10,), w2=(10, 10), b2=(10,), w3=(10, 1), b3=(1,))
    x = np.random.default_rng(1).standard_normal((100, 10)).astype(np.float32)
    return weights, x, (x.sum(axis=1, keepdims=True) > 0).astype(np.float32)


def seed_cnn() -> tuple[Arrays, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Weights, 4 images of 3 x 32 x 32, and their classes."""
    rng = np.random.default_rng(1)
    weights = _drawn(0, w0=(3, 3, 3, 64), b0=(64,), w1=(64 * 16 * 16, 128), b1=(128,), w2=(128, 10), b2=(10,))
    return weights, rng.standard_normal((4, 3, 32, 32)).astype(np.float32), rng.integers(0, 10, 4)


def rnn() -> tuple[Arrays, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Weights, 16 sequences of 8 steps of 8 numbers, and their classes."""
    rng = np.random.default_rng(1)
    weights = _drawn(0, w=(8, 32), u=(32, 32), b=(32,), w_out=(32, 10), b_out=(10,))
    return weights, rng.standard_normal((16, 8, 8)).astype(np.float32), rng.integers(0, 10, 16)


def run(build: Callable[..., Any], start: Any, steps: int = 3) -> None:
    """What each program does when it is run: the model once, and a few steps of training."""
    weights, x, y = start
    forward, step, _ = build(weights)
    print("outputs", forward(x).shape)
    for _ in range(steps):
        print(f"loss {step(x, y):.6f}")
