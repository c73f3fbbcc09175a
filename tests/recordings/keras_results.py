"""Layers, losses, metrics and training of Keras on drawn numbers, as functions of a `keras`: TensorFlow records the
results (`record_keras_results.py`), and irc computes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Case = tuple[str, Callable[[Any], Any], tuple[Any, ...], dict[str, Any]]

IMAGE, SEQUENCE = (2, 9, 8, 3), (3, 6, 5)


def draws(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _strided() -> Iterator[Case]:
    """Convolutions and pools with all paddings."""
    for s in (1, 2, 3):
        for p in ("same", "valid"):
            kinds: dict[str, Callable[[Any], Any]] = {
                "conv": lambda k, s=s, p=p: k.layers.Conv2D(5, 3, strides=s, padding=p),
                "max_pool": lambda k, s=s, p=p: k.layers.MaxPooling2D(3, strides=s, padding=p),
                "average_pool": lambda k, s=s, p=p: k.layers.AveragePooling2D(3, strides=s, padding=p),
                "conv_transpose": lambda k, s=s, p=p: k.layers.Conv2DTranspose(5, 3, strides=s, padding=p),
            }
            for name, make in kinds.items():
                yield f"{name}_{s}_{p}", make, (IMAGE,), {}


def _recurrent() -> Iterator[Case]:
    for kind in ("LSTM", "GRU", "SimpleRNN"):
        for every in (False, True):
            for back in (False, True):
                options = {"return_sequences": every, "go_backwards": back, "return_state": True}
                make = lambda k, kind=kind, options=options: getattr(k.layers, kind)(4, **options)  # noqa: E731
                yield f"{kind}_{every}_{back}", make, (SEQUENCE,), {}


def cases() -> list[Case]:
    """A name, what makes the layer, the shapes (or arrays) of its inputs, options of the call."""
    made: list[Case] = [*_strided(), *_recurrent()]

    def case(name: str, make: Callable[[Any], Any], *inputs: Any, **options: Any) -> None:
        made.append((name, lambda k: make(k.layers), inputs, options))

    case("dense", lambda L: L.Dense(5, activation="relu"), (3, 7))
    case("dense_3d", lambda L: L.Dense(5), (3, 4, 7))
    case("conv1d_causal", lambda L: L.Conv1D(5, 3, padding="causal", dilation_rate=2), (2, 9, 3))
    case("conv_dilated", lambda L: L.Conv2D(4, 3, dilation_rate=2, padding="same"), IMAGE)
    case("conv_groups", lambda L: L.Conv2D(6, 3, groups=3), IMAGE)
    case("depthwise", lambda L: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), IMAGE)
    case("separable", lambda L: L.SeparableConv2D(4, 3, padding="same"), IMAGE)
    case("max_pool_1d", lambda L: L.MaxPooling1D(2), SEQUENCE)
    case("batch_norm_train", lambda L: L.BatchNormalization(), (6, 5, 4, 3), training=True)
    case("batch_norm", lambda L: L.BatchNormalization(), (6, 5, 4, 3), training=False)
    case("layer_norm", lambda L: L.LayerNormalization(), (6, 5))
    case("layer_norm_two_axes", lambda L: L.LayerNormalization(axis=[1, 2]), (6, 5, 4))
    case("group_norm", lambda L: L.GroupNormalization(2), (3, 5, 4, 6))
    case("bidirectional", lambda L: L.Bidirectional(L.LSTM(4)), SEQUENCE)
    case("bidirectional_all", lambda L: L.Bidirectional(L.GRU(4, return_sequences=True)), SEQUENCE)
    case("gru_reset_before", lambda L: L.GRU(4, reset_after=False), SEQUENCE)
    case("lstm_other", lambda L: L.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid"), SEQUENCE)
    case("embedding", lambda L: L.Embedding(10, 4), np.array([[1, 2], [3, 9]]))
    case("time_distributed", lambda L: L.TimeDistributed(L.Dense(3)), SEQUENCE)
    case("stacked", lambda L: L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True), SEQUENCE)
    case("prelu", lambda L: L.PReLU(), (3, 6))
    case("leaky_relu", lambda L: L.LeakyReLU(), (3, 6))
    case("relu", lambda L: L.ReLU(6.0, 0.1, 0.5), (3, 6))
    case("elu", lambda L: L.ELU(), (3, 6))
    case("softmax", lambda L: L.Softmax(), (3, 6))
    case("up_sampling", lambda L: L.UpSampling2D(), (2, 3, 3, 2))
    case("zero_padding", lambda L: L.ZeroPadding2D(((1, 2), (0, 1))), (2, 3, 3, 2))
    case("cropping", lambda L: L.Cropping2D(1), (2, 5, 5, 2))
    case("global_average", lambda L: L.GlobalAveragePooling2D(), (2, 3, 4, 5))
    case("global_average_1d", lambda L: L.GlobalAveragePooling1D(), SEQUENCE)
    case("global_max_1d", lambda L: L.GlobalMaxPooling1D(), SEQUENCE)
    case("add", lambda L: L.Add(), (2, 3), (2, 3))
    case("concatenate", lambda L: L.Concatenate(), (2, 3), (2, 4))
    case("dot", lambda L: L.Dot(axes=(2, 1)), (2, 3, 4), (2, 4, 5))
    case("average", lambda L: L.Average(), (2, 3), (2, 3))
    case("reshape", lambda L: L.Reshape((2, -1)), (3, 8))
    case("permute", lambda L: L.Permute((2, 1)), SEQUENCE)
    case("repeat_vector", lambda L: L.RepeatVector(3), (2, 4))
    case("rescaling", lambda L: L.Rescaling(1 / 255, 0.5), (2, 3))
    case("attention", lambda L: L.Attention(), (2, 3, 4), (2, 5, 4))
    case("lambda", lambda L: L.Lambda(lambda x: x * 2.0 + 1.0), (2, 3))
    case("activation", lambda L: L.Activation("gelu"), (3, 6))
    return made


def layer_results(keras: Any) -> dict[str, Array]:
    """What each layer gives for weights and inputs that are drawn, and its weights after the call."""
    found: dict[str, Array] = {}
    for number, (name, make, inputs, options) in enumerate(cases()):
        arrays = [draws(100 * number + i, *s) if isinstance(s, tuple) else s for i, s in enumerate(inputs)]
        x = arrays[0] if len(arrays) == 1 else arrays
        layer = make(keras)
        layer(x, **options)
        layer.set_weights([_weight(w, 100 * number + 50 + i) for i, w in enumerate(layer.weights)])
        made = layer(x, **options)
        for i, y in enumerate(made if isinstance(made, (list, tuple)) else [made]):
            found[f"{name}.{i}"] = np.asarray(y)
        if "batch_norm" in name:
            for i, w in enumerate(layer.weights):
                found[f"{name}.weight_{i}"] = w.numpy()
    return found


def _weight(weight: Any, seed: int) -> Array:
    drawn = draws(seed, *weight.shape)
    return np.abs(drawn) + 0.5 if "variance" in weight.path else drawn * 0.5


LABELS = np.array([0, 1, 2, 3, 1, 0])
HOT = np.eye(4, dtype=np.float32)[LABELS]
LOGITS = draws(5, 6, 4)
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
BITS = (draws(6, 6, 4) > 0).astype(np.float32)
WEIGHTS = np.abs(draws(7, 6))
OTHER_LOSSES = (
    "MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh", "KLDivergence", "Poisson", "CosineSimilarity",
    "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Hinge", "SquaredHinge", "CategoricalHinge",
)  # fmt: skip


def loss_results(keras: Any) -> dict[str, Array]:
    """Losses with all reductions, with and without sample weights."""
    K = keras.losses
    found: dict[str, Array] = {}
    for reduction in ("sum_over_batch_size", "sum", "none"):
        for weight in (None, WEIGHTS):
            own = {"reduction": reduction}
            made = {
                "sparse": (K.SparseCategoricalCrossentropy(**own), LABELS, PROBABILITIES),
                "sparse_logits": (K.SparseCategoricalCrossentropy(from_logits=True, **own), LABELS, LOGITS),
                "categorical": (K.CategoricalCrossentropy(label_smoothing=0.1, **own), HOT, PROBABILITIES),
                "categorical_logits": (K.CategoricalCrossentropy(from_logits=True, **own), HOT, LOGITS),
                "binary": (K.BinaryCrossentropy(label_smoothing=0.1, **own), BITS, PROBABILITIES),
                "binary_logits": (K.BinaryCrossentropy(from_logits=True, **own), BITS, LOGITS),
            }
            for name in OTHER_LOSSES:
                made[name] = (getattr(K, name)(**own), BITS if name == "Poisson" else HOT, PROBABILITIES)
            for name, (loss, y, p) in made.items():
                found[f"{name}.{reduction}.{weight is None}"] = np.asarray(loss(y, p, sample_weight=weight))
    ignoring = K.SparseCategoricalCrossentropy(ignore_class=1)
    return {**found, "ignored": np.asarray(ignoring(LABELS, PROBABILITIES))}


def metric_results(keras: Any) -> dict[str, Array]:
    """Metrics after two batches, with and without sample weights."""
    M = keras.metrics
    bits, share = BITS[:, 0], PROBABILITIES[:, 0]
    found: dict[str, Array] = {}
    for weight in (None, WEIGHTS):
        made = {
            "sparse_accuracy": (M.SparseCategoricalAccuracy(), LABELS, PROBABILITIES),
            "categorical_accuracy": (M.CategoricalAccuracy(), HOT, PROBABILITIES),
            "binary_accuracy": (M.BinaryAccuracy(), BITS, PROBABILITIES),
            "accuracy": (M.Accuracy(), LABELS, np.array([0, 1, 2, 0, 0, 0])),
            "mse": (M.MeanSquaredError(), HOT, PROBABILITIES),
            "mae": (M.MeanAbsoluteError(), HOT, PROBABILITIES),
            "rmse": (M.RootMeanSquaredError(), HOT, PROBABILITIES),
            "top_k": (M.SparseTopKCategoricalAccuracy(k=2), LABELS, PROBABILITIES),
            "auc": (M.AUC(), bits, share),
            "auc_pr": (M.AUC(curve="PR"), bits, share),
            "precision": (M.Precision(), bits, share),
            "recall": (M.Recall(thresholds=[0.1, 0.3]), bits, share),
        }
        for name, (metric, y, p) in made.items():
            for _ in range(2):
                metric.update_state(y, p, weight)
            found[f"{name}.{weight is None}"] = np.asarray(metric.result())
        mean = M.Mean()
        mean.update_state(PROBABILITIES[:, 1], weight)
        found[f"mean.{weight is None}"] = np.asarray(mean.result())
    return found


def optimizers(keras: Any) -> dict[str, Any]:
    every = keras.optimizers
    S = every.schedules
    return {
        "sgd": every.SGD(0.1), "momentum": every.SGD(0.1, momentum=0.9), "nesterov": every.SGD(0.1, momentum=0.9, nesterov=True),
        "adam": every.Adam(0.01), "amsgrad": every.Adam(0.01, amsgrad=True), "adamw": every.AdamW(0.01), "rmsprop": every.RMSprop(0.01),
        "centered": every.RMSprop(0.01, centered=True, momentum=0.5), "adagrad": every.Adagrad(0.1), "adadelta": every.Adadelta(0.5),
        "adamax": every.Adamax(0.01), "nadam": every.Nadam(0.01), "clipnorm": every.SGD(0.1, clipnorm=0.1),
        "global_clipnorm": every.SGD(0.1, global_clipnorm=0.1), "clipvalue": every.SGD(0.1, clipvalue=0.01),
        "exponential": every.SGD(S.ExponentialDecay(0.1, 2, 0.5)), "cosine": every.SGD(S.CosineDecay(0.1, 5)),
        "piecewise": every.SGD(S.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01])),
        "polynomial": every.SGD(S.PolynomialDecay(0.1, 6)),
    }  # fmt: skip


X, Y = draws(3, 13, 6), np.random.default_rng(3).integers(0, 4, 13)


def _fitted(found: dict[str, Array], name: str, model: Any, x: Any, y: Any, **options: Any) -> None:
    """History, evaluation, prediction and weights after three epochs in batches of five, the last one short."""
    model.set_weights(
        [
            np.ones(w.shape) if "variance" in w.path else draws(i, *w.shape) * 0.3
            for i, w in enumerate(model.weights)
        ]
    )
    history = model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0, **options).history
    for key, values in history.items():
        found[f"{name}.{key}"] = np.asarray(values)
    found[f"{name}.evaluate"] = np.asarray(model.evaluate(x, y, verbose=0))
    made = model.predict(x, verbose=0)
    for i, p in enumerate(made if isinstance(made, list) else [made]):
        found[f"{name}.predict_{i}"] = p
    for i, w in enumerate(model.get_weights()):
        found[f"{name}.weight_{i}"] = w


def training_results(keras: Any) -> dict[str, Array]:
    """All optimizers and schedules; validation, weights of classes and samples; batch normalisation; an LSTM."""
    L, loss = keras.layers, "sparse_categorical_crossentropy"
    found: dict[str, Array] = {}

    def mlp() -> Any:
        hidden = L.Dense(8, activation="tanh", kernel_regularizer=keras.regularizers.l2(0.01))
        return keras.Sequential([keras.Input((6,)), hidden, L.Dense(4, activation="softmax")])

    def fitted(name: str, model: Any, optimizer: Any, loss: Any, x: Array = X, **options: Any) -> None:
        model.compile(optimizer, loss=loss, metrics=["accuracy"])
        _fitted(found, name, model, x, Y, **options)

    for name, optimizer in optimizers(keras).items():
        fitted(name, mlp(), optimizer, loss, validation_split=0.25)
    weights = np.linspace(0, 1, 13).astype(np.float32)
    fitted("class_weight", mlp(), "sgd", loss, class_weight={0: 1.0, 1: 2.0, 2: 0.5, 3: 1.0})
    fitted("sample_weight", mlp(), "sgd", loss, sample_weight=weights)
    layers = [keras.Input((6,)), L.Dense(8), L.BatchNormalization(), L.ReLU(), L.Dense(4)]
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    fitted("batch_norm", keras.Sequential(layers), keras.optimizers.SGD(0.1), logits, validation_data=(X, Y))
    recurrent = keras.Sequential([keras.Input((7, 3)), L.LSTM(4), L.Dense(4, activation="softmax")])
    fitted("lstm", recurrent, keras.optimizers.Adam(0.01), loss, draws(8, 13, 7, 3))
    return found


def several_outputs(keras: Any) -> dict[str, Array]:
    """Two inputs, two outputs with losses, weights and metrics of their own, in dicts; batches of equal size.

    (With a short last batch TensorFlow's backend weighs the parts of the loss in another way than their sum.)"""
    L = keras.layers
    found: dict[str, Array] = {}
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    h = L.Concatenate()([L.Dense(5, activation="relu")(a), b])
    outputs = {"kind": L.Dense(4, activation="softmax", name="kind")(h), "size": L.Dense(1, name="size")(h)}
    model = keras.Model([a, b], outputs)
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    metrics = {"kind": ["accuracy"], "size": ["mae"]}
    model.compile("adam", loss=losses, loss_weights={"kind": 1.0, "size": 0.5}, metrics=metrics)
    x = {"a": X[:10], "b": draws(9, 10, 3)}
    y = {"kind": Y[:10], "size": draws(10, 10, 1)}
    model.set_weights([draws(20 + i, *w.shape) * 0.3 for i, w in enumerate(model.weights)])
    history = model.fit(x, y, batch_size=5, epochs=3, shuffle=False, verbose=0).history
    for key, values in history.items():
        found[f"several.{key}"] = np.asarray(values)
    for key, value in model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True).items():
        found[f"several.evaluate.{key}"] = np.asarray(value)
    for i, w in enumerate(model.get_weights()):
        found[f"several.weight_{i}"] = w
    return found


GROUPS = {
    "layers": layer_results,
    "losses": loss_results,
    "metrics": metric_results,
    "training": training_results,
    "several_outputs": several_outputs,
}
