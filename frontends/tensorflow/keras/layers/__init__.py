"""keras.layers."""

from __future__ import annotations

from typing import Any

from irc.errors import UnsupportedError
from irc.frontends.errors import NotThere
from irc.frontends.recorder.storage import located
from irc.frontends.suggest import advice_of
from irc.frontends.tensorflow.keras.layers.attention import AdditiveAttention, Attention, MultiHeadAttention
from irc.frontends.tensorflow.keras.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from irc.frontends.tensorflow.keras.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv2D,
    SeparableConv2D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from irc.frontends.tensorflow.keras.layers.core import (
    ELU,
    Activation,
    ActivityRegularization,
    Dense,
    Embedding,
    Flatten,
    Identity,
    Input,
    InputLayer,
    Lambda,
    LeakyReLU,
    Masking,
    Permute,
    PReLU,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Softmax,
)
from irc.frontends.tensorflow.keras.layers.inputs import InputSpec
from irc.frontends.tensorflow.keras.layers.layer import Layer
from irc.frontends.tensorflow.keras.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from irc.frontends.tensorflow.keras.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Normalization,
    RMSNormalization,
)
from irc.frontends.tensorflow.keras.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    Cropping1D,
    Cropping2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
)
from irc.frontends.tensorflow.keras.layers.recurrent import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    SimpleRNN,
    TimeDistributed,
)
from irc.frontends.tensorflow.keras.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution2DTranspose, SeparableConvolution2D = Conv2DTranspose, SeparableConv2D

REFUSED = {
    "TextVectorization": "there are no tensors of strings: turn words into numbers before",
    "StringLookup": "there are no tensors of strings: turn words into numbers before",
    "IntegerLookup": "map the numbers with NumPy before, and give them to an Embedding",
    "CategoryEncoding": "tf.one_hot, in a Lambda layer, gives the same",
    "Resizing": "resize the images before, with another library",
    "RandomFlip": "change the images before, with NumPy",
    "RandomRotation": "change the images before, with another library",
    "RandomZoom": "change the images before, with another library",
    "ConvLSTM2D": "keras.layers.RNN takes a cell of your own",
}


def __getattr__(name: str) -> Any:
    if name in REFUSED:
        raise located(UnsupportedError(f"keras.layers.{name} is not there", notes=(REFUSED[name],)))
    if name.startswith("__"):
        raise AttributeError(name)
    raise located(
        NotThere(f"keras.layers.{name} is not there", notes=advice_of(name, "keras.layers", globals()))
    )


__all__ = [
    "ELU", "GRU", "LSTM", "RNN", "Activation", "ActivityRegularization", "Add", "AdditiveAttention",
    "Attention", "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1D",
    "AvgPool2D", "AvgPool3D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D",
    "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "Convolution1D",
    "Convolution2D", "Convolution2DTranspose", "Convolution3D", "Cropping1D", "Cropping2D", "Dense",
    "DepthwiseConv2D", "Dot", "Dropout", "Embedding", "Flatten", "GRUCell", "GaussianDropout",
    "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D",
    "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization",
    "Identity", "Input", "InputLayer", "InputSpec", "LSTMCell", "Lambda", "Layer", "LayerNormalization",
    "LeakyReLU", "Masking", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D", "Maximum", "Minimum", "MultiHeadAttention", "Multiply", "Normalization", "PReLU",
    "Permute", "RMSNormalization", "ReLU", "RepeatVector", "Rescaling", "Reshape", "SeparableConv2D",
    "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "StackedRNNCells", "Subtract", "TimeDistributed", "UpSampling1D", "UpSampling2D",
    "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "add", "average", "concatenate", "dot",
    "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip
