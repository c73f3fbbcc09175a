"""compile, fit, evaluate, predict: numbers against PyTorch, one program a step, several outputs, callbacks."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import irc.tensorflow as tf
from irc.driver import compile_module
from irc.errors import UnsupportedError
from irc.frontends.recorder.backend import counters, using

torch = pytest.importorskip("torch")
keras = tf.keras
L = keras.layers


def draws(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


X, Y = draws(24, 6), np.random.default_rng(1).integers(0, 4, 24)


def mlp() -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6,)), L.Dense(8, activation="tanh"), L.Dense(4)])


def twin(model: Any) -> Any:
    w1, b1, w2, b2 = (torch.tensor(w) for w in model.get_weights())
    other = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4))
    with torch.no_grad():
        for p, w in zip(other.parameters(), (w1.T, b1, w2.T, b2), strict=True):
            p.copy_(w)
    return other


def logits_loss() -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_sgd_is_pytorchs() -> None:
    model = mlp()
    other = twin(model)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for start in (0, 8, 16):
        optimizer.zero_grad()
        rows = slice(start, start + 8)
        torch.nn.functional.cross_entropy(other(torch.tensor(X[rows])), torch.tensor(Y[rows])).backward()
        optimizer.step()
    model.compile(keras.optimizers.SGD(0.1), loss=logits_loss())
    model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), twin_weights(other), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def twin_weights(other: Any) -> list[Any]:
    return [p.detach().numpy().T for p in other.parameters()]


def test_adam_by_hand() -> None:
    """Epsilon is 1e-7 and is added to the root before the bias is corrected."""
    w = keras.Variable(np.array([1.0, -2.0], np.float32))
    optimizer = keras.optimizers.Adam(0.1)
    value, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for step in range(1, 4):
        g = np.array([0.3, -0.1]) * step
        optimizer.apply_gradients([(tf.constant(g.astype(np.float32)), w)])
        m, v = m + (g - m) * 0.1, v + (g * g - v) * 0.001
        value = value - 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * m / (np.sqrt(v) + 1e-7)
    np.testing.assert_allclose(w.numpy(), value, rtol=1e-4)
    assert int(optimizer.iterations) == 3


def test_a_step_is_one_program() -> None:
    model = mlp()
    model.compile("adam", loss=logits_loss(), metrics=["accuracy"])
    model.fit(X, Y, batch_size=8, verbose=0)
    compiled, runs = counters.compiled, counters.runs
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    assert counters.compiled == compiled
    assert counters.runs - runs == 6


def test_a_learning_rate_that_changes_compiles_nothing() -> None:
    model = mlp()
    model.compile(keras.optimizers.SGD(0.0), loss=logits_loss())
    before = model.get_weights()
    model.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    compiled = counters.compiled
    model.optimizer.learning_rate = 0.1
    model.fit(X, Y, batch_size=8, verbose=0)
    assert counters.compiled == compiled
    assert np.abs(model.get_weights()[0] - before[0]).max() > 0


def test_history_evaluate_predict() -> None:
    model = mlp()
    model.compile("adam", loss=logits_loss(), metrics=["accuracy"])
    history = model.fit(X, Y, epochs=30, validation_split=0.25, verbose=0).history
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history["loss"][-1] < history["loss"][0]
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    logits = model.predict(X, batch_size=7, verbose=0)
    wanted = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(Y)).item()
    assert loss == pytest.approx(wanted, rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(-1) == Y).mean())


def test_several_outputs() -> None:
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    h = L.Concatenate()([L.Dense(5, activation="relu")(a), b])
    model = keras.Model(
        [a, b], [L.Dense(4, activation="softmax", name="kind")(h), L.Dense(1, name="size")(h)]
    )
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile("sgd", loss=losses, loss_weights={"kind": 1.0, "size": 0.5}, metrics={"size": ["mae"]})
    labels = {"kind": Y, "size": draws(24, 1, seed=3)}
    inputs = {"a": X, "b": draws(24, 3, seed=2)}
    history = model.fit(inputs, labels, batch_size=8, verbose=0).history
    assert sorted(history) == ["kind_loss", "loss", "size_loss", "size_mae"]
    assert history["loss"][0] == pytest.approx(
        history["kind_loss"][0] + 0.5 * history["size_loss"][0], rel=1e-5
    )
    kind, size = model.predict(inputs, verbose=0)
    assert kind.shape == (24, 4) and size.shape == (24, 1)


def test_custom_loss_and_regularizer() -> None:
    def cube(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_mean(tf.abs(y_true - y_pred) ** 3, axis=-1)

    model = keras.Sequential([keras.Input((6,)), L.Dense(1, kernel_regularizer=keras.regularizers.L2(0.1))])
    model.compile("sgd", loss=cube)
    target = draws(24, 1, seed=4)
    w = model.get_weights()[0]
    error = np.abs(target - model.predict(X, verbose=0)) ** 3
    assert model.evaluate(X, target, verbose=0) == pytest.approx(error.mean() + 0.1 * (w * w).sum(), rel=1e-4)


def test_train_step_of_the_users() -> None:
    class Custom(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"mine": loss * 2.0}

    x = keras.Input((6,))
    model = Custom(x, L.Dense(4)(x))
    model.compile("sgd", loss=logits_loss())
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    history = model.fit(dataset, epochs=3, verbose=0).history
    assert history["mine"][-1] < history["mine"][0]


def test_frozen_layers_stay() -> None:
    model = mlp()
    model.layers[0].trainable = False
    model.compile("sgd", loss=logits_loss())
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    assert np.abs(before[2] - model.get_weights()[2]).max() > 0


def test_early_stopping_restores() -> None:
    model = mlp()
    model.compile(keras.optimizers.SGD(5.0), loss=logits_loss())
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=2, restore_best_weights=True)
    history = model.fit(X, Y, epochs=50, callbacks=[stop], verbose=0).history["loss"]
    assert len(history) < 50


def test_csv_logger_writes_a_line_each_epoch(tmp_path: Path) -> None:
    model, log = mlp(), tmp_path / "log.csv"
    model.compile(keras.optimizers.SGD(0.1), loss=logits_loss())
    log.write_text("from before")
    first = model.fit(X, Y, epochs=2, callbacks=[keras.callbacks.CSVLogger(log)], verbose=0).history["loss"]
    more = keras.callbacks.CSVLogger(log, append=True)
    last = model.fit(X, Y, epochs=1, callbacks=[more], verbose=0).history["loss"]
    head, *lines = log.read_text().split()
    assert head == "epoch,loss"
    assert [float(line.split(",")[1]) for line in lines] == pytest.approx([*first, *last], rel=1e-6)


def test_weights_in_files(tmp_path: Path) -> None:
    model, other = mlp(), mlp()
    other.set_weights([w + 1 for w in model.get_weights()])
    model.save_weights(tmp_path / "a.weights.npz")
    other.load_weights(tmp_path / "a.weights.npz")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(UnsupportedError, match=r"\.npz"):
        model.save_weights(tmp_path / "a.weights.h5")


def test_summary(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    keras.Sequential([keras.Input((6,)), L.Dense(8, name="one")], name="net").summary()
    text = capsys.readouterr().out
    assert 'Model: "net"' in text
    assert "│ one (Dense)                     │ (None, 8)              │            56 │" in text
    assert " Total params: 56 (224.00 B)" in text


def timeless(text: str) -> str:
    """Durations by their units, as many backspaces as it takes, and no blanks where a shorter line covers a longer one."""
    text = re.sub(r"\d+(ms|us|s)/step", "N/step", text)
    text = re.sub(r"(\x1b\[1m)\d+s", r"\1Ns", re.sub("\b+", "<", text))
    return re.sub(r" +(?=[<\n])", "", re.sub(r" - \d+s - ", " - Ns - ", text))


BAR = "\r\x1b[1m1/1\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1mNs\x1b[0m N/step - accuracy: 0.2500 - loss: "
"""What Keras 3 prints of one step, terminal or not (recorded)."""


def test_the_progress_bar_is_keras_s(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = np.arange(24 * 6).reshape(24, 6).astype(np.float32) / 100, np.arange(24) % 4
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, kernel_initializer="zeros")])
    model.compile("sgd", loss=logits_loss(), metrics=["accuracy"])
    model.fit(x, y, batch_size=24, epochs=2, shuffle=False)
    first, second = f"{BAR}1.3863", f"{BAR}1.3862"
    assert timeless(capsys.readouterr().out) == (
        f"Epoch 1/2\n{first}<{first}\nEpoch 2/2\n{second}<{second}\n"
    )
    model.fit(x, y, batch_size=8, shuffle=False, verbose=2)
    shown = timeless(capsys.readouterr().out)
    assert re.fullmatch(r"3/3 - Ns - N/step - accuracy: 0\.\d{4} - loss: 1\.38\d\d\n", shown)
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_a_softmax_under_a_loss_of_logits_warns_once() -> None:
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, activation="softmax")])
    model.compile("sgd", loss=logits_loss())
    with pytest.warns(UserWarning, match="produced by a Softmax activation") as found:
        model.fit(X, Y, batch_size=8, verbose=0)
        model.evaluate(X, Y, verbose=0)
    assert len(found) == 1
    assert found[0].filename == __file__


@pytest.mark.slow
def test_a_loop_over_time_is_a_loop_in_the_program() -> None:
    """Ten steps and a thousand take about as long to compile (the minimum of three, each a new structure)."""

    def seconds(steps: int) -> float:
        best = []
        for width in (3, 4, 5):
            spent: list[float] = []

            def timed(module: Any, donate: Any, spent: list[float] = spent) -> Any:
                start = time.perf_counter()
                made = compile_module(module, donate=donate)
                spent.append(time.perf_counter() - start)
                return made

            model = keras.Sequential([keras.Input((steps, width)), L.LSTM(4), L.Dense(1)])
            model.compile("sgd", loss="mse")
            with using(timed):
                model.train_on_batch(draws(2, steps, width), draws(2, 1))
            best.append(sum(spent))
        return min(best)

    seconds(9)
    assert seconds(1000) < 1.5 * seconds(10)
