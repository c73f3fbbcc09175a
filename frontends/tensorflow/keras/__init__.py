"""tf.keras: Keras 3's names over the recorder."""

from irc.frontends.suggest import missing
from irc.frontends.tensorflow.keras import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    utils,
)
from irc.frontends.tensorflow.keras.layers import Input, InputSpec, Layer
from irc.frontends.tensorflow.keras.losses import Loss
from irc.frontends.tensorflow.keras.metrics import Metric
from irc.frontends.tensorflow.keras.models import Functional, Model, Sequential
from irc.frontends.tensorflow.keras.optimizers import Optimizer
from irc.frontends.tensorflow.keras.symbolic import KerasTensor
from irc.frontends.tensorflow.keras.variables import Variable

__version__ = "3.15.1+irc"
__getattr__ = missing("keras", globals())

__all__ = [
    "Functional",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "utils",
]
