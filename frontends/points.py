"""Where the two families of frontends differ, and what the operations of both are called.

`POINTS` are the rows of the table that the documentation and `irc diff` print. `describe` gives the note of a recorded
operation: the name that both families know it by, and its settings, from the lowering and its static arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from irc.frontends.lowering import convolution as V
from irc.frontends.lowering import creation as C
from irc.frontends.lowering import elementwise as W
from irc.frontends.lowering import initial as I
from irc.frontends.lowering import losses as X
from irc.frontends.lowering import normalization as N
from irc.frontends.lowering import recurrent as R
from irc.frontends.lowering import updates as U
from irc.frontends.lowering import updates_keras as K
from irc.frontends.source import scopes
from irc.ir.notes import Note


@dataclass(frozen=True, slots=True)
class Point:
    """A row: what differs, and each family's default."""

    title: str
    torch: str
    tensorflow: str
    settings: tuple[tuple[str, str], ...] = ()
    """(operation, setting) of the notes that tell it; "" stands for every setting."""


POINTS = (
    Point("layout", "NCHW, OIHW", "NHWC, HWIO"),
    Point("Linear/Dense weight", "(out, in), contracts [1] x [1]", "(in, out), contracts [1] x [0]"),
    Point("padding='same', stride > 1", "symmetric (explicit ints)", "asymmetric, depends on the size"),
    Point("Linear init", "kaiming_uniform(a=sqrt(5)), uniform bias", "glorot_uniform, zero bias"),
    Point("Embedding init", "N(0, 1)", "U(-0.05, 0.05)"),
    Point(
        "BatchNorm",
        "eps 1e-5, momentum 0.1 (new share), unbiased running variance",
        "eps 1e-3, momentum 0.99 (old share), biased running variance",
        (("BatchNorm", ""), ("BatchNorm's running statistics", ""), ("BatchNorm of given statistics", "")),
    ),
    Point("LayerNorm eps", "1e-5", "1e-3", (("LayerNorm", "eps"),)),
    Point(
        "Adam eps / RMSprop",
        "1e-8 / alpha 0.99, eps 1e-8",
        "1e-7 / rho 0.9, eps 1e-7",
        (("Adam", "eps"), ("RMSprop", "alpha"), ("RMSprop", "eps")),
    ),
    Point(
        "LSTM (RNN, GRU) biases",
        "two biases",
        "one bias, forget bias 1",
        (("LSTM", "biases"), ("LSTM", "forget bias"), ("RNN", "biases"), ("GRU", "biases")),
    ),
    Point("LeakyReLU slope", "0.01", "0.3 (Keras), 0.2 (tf.nn)", (("LeakyReLU", "slope"),)),
    Point(
        "cross-entropy input",
        "logits",
        "probabilities unless from_logits",
        (("cross entropy", ""), ("binary cross entropy", "input")),
    ),
    Point("BCE clamp", "log >= -100", "clip at 1e-7", (("binary cross entropy", "clamp"),)),
    Point("int / float default", "int64, promotes", "int32, refuses to mix"),
    Point("dropout argument", "p dropped", "rate dropped; TF1 keep_prob", (("dropout", "dropped"),)),
    Point("f32 matmul precision", "full", "TF32 allowed; irc computes both in full"),
)

_BY_SETTING = {pair: point.title for point in POINTS for pair in point.settings}


def title_of(operation: str, setting: str) -> str:
    """The row that a setting of an operation belongs to; one of its own where it is in none."""
    found = _BY_SETTING.get((operation, setting)) or _BY_SETTING.get((operation, ""))
    return found or f"{operation} {setting}"


Statics = tuple[Any, ...]
_NOTES: dict[Any, Callable[[Statics], Note]] = {}


def _notes(*lowers: Any) -> Callable[[Callable[[Statics], Note]], Callable[[Statics], Note]]:
    def add(function: Callable[[Statics], Note]) -> Callable[[Statics], Note]:
        _NOTES.update((lower, function) for lower in lowers)
        return function

    return add


def describe(lower: Any, statics: Statics) -> Note | None:
    """The note of an operation, where both families have it and it has settings."""
    found = _NOTES.get(lower)
    return None if found is None else found(statics)


@contextmanager
def noting() -> Iterator[None]:
    """Locations carry notes of what is recorded and compiled inside."""
    before, scopes.describe = scopes.describe, describe
    try:
        yield
    finally:
        scopes.describe = before


# Layers


@_notes(V.convolution, V.convolution_last)
def _convolution(statics: Statics) -> Note:
    strides, padding, dilation, groups = statics
    return Note.of(
        "convolution", stride=tuple(strides), padding=_pairs(padding), dilation=tuple(dilation), groups=groups
    )


def _pairs(padding: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in padding)


@_notes(N.batch_norm_train)
def _batch_norm(statics: Statics) -> Note:
    _, eps, _, unbiased = statics
    return Note.of("BatchNorm", eps=eps, running_variance=kind_of_variance(unbiased))


@_notes(N.batch_norm_infer)
def _batch_norm_infer(statics: Statics) -> Note:
    return Note.of("BatchNorm of given statistics", eps=statics[1])


@_notes(N.running)
def _running(statics: Statics) -> Note:
    return Note.of(RUNNING, momentum=share_of_new(statics[0]))


RUNNING = "BatchNorm's running statistics"


def share_of_new(share: float) -> str:
    """A momentum in words. 1 - 0.99 is not 0.01 in binary: said to twelve digits, as the momentum was."""
    return f"{float(f'{share:.12g}')} of the new"


def kind_of_variance(unbiased: bool) -> str:
    """Which variance a running one follows."""
    return "unbiased (over n - 1)" if unbiased else "biased (over n)"


@_notes(N.layer_norm)
def _layer_norm(statics: Statics) -> Note:
    return Note.of("LayerNorm", eps=statics[1])


@_notes(W.leaky_relu)
def _leaky_relu(statics: Statics) -> Note:
    return Note.of("LeakyReLU", slope=statics[0])


@_notes(C.keep_mask)
def _keep_mask(statics: Statics) -> Note:
    return Note.of("dropout", dropped=statics[1])


@_notes(R.layer)
def _recurrent(statics: Statics) -> Note:
    kind, has_bias, _ = statics
    if kind != "lstm":
        return Note.of("GRU" if kind == "gru" else "RNN", biases="two" if has_bias else "none")
    return Note.of("LSTM", biases="two" if has_bias else "none", forget_bias="as the other gates'")


# Losses


@_notes(X.soft_cross_entropy, X.soft_likelihood)
def _cross_entropy(statics: Statics) -> Note:
    return Note.of("cross entropy", input="logits")


@_notes(X.negative_log_likelihood)
def _cross_entropy_of_classes(statics: Statics) -> Note:
    return Note.of("cross entropy", input="logits", ignored_class=statics[0])


@_notes(X.likelihood_last)
def _cross_entropy_of_all_classes(statics: Statics) -> Note:
    return Note.of("cross entropy", input="logits", ignored_class="none")


@_notes(X.binary_cross_entropy)
def _binary(statics: Statics) -> Note:
    return Note.of("binary cross entropy", clamp="logarithms at least -100", input="probabilities")


@_notes(X.binary_cross_entropy_clipped)
def _binary_clipped(statics: Statics) -> Note:
    return Note.of(
        "binary cross entropy", clamp=f"probabilities {statics[0]} from 0 and 1", input="probabilities"
    )


@_notes(X.binary_cross_entropy_logits)
def _binary_logits(statics: Statics) -> Note:
    return Note.of("binary cross entropy", clamp="none", input="logits")


# Optimizers


@_notes(U.sgd, K.sgd)
def _sgd(statics: Statics) -> Note:
    return Note.of("SGD")


@_notes(U.adam)
def _adam(statics: Statics) -> Note:
    _, beta1, beta2, eps, *_ = statics
    return Note.of("Adam", beta1=beta1, beta2=beta2, eps=_eps(eps, "on the corrected root"))


@_notes(K.adam)
def _adam_keras(statics: Statics) -> Note:
    _, beta1, beta2, eps, *_ = statics
    return Note.of("Adam", beta1=beta1, beta2=beta2, eps=_eps(eps, "on the root"))


def _eps(eps: float, place: str) -> str:
    return f"{eps} {place}" if eps else "none"


@_notes(U.rmsprop)
def _rmsprop(statics: Statics) -> Note:
    return Note.of("RMSprop", alpha=statics[1], eps=_eps(statics[2], "outside the root"))


@_notes(K.rmsprop)
def _rmsprop_keras(statics: Statics) -> Note:
    return Note.of("RMSprop", alpha=statics[1], eps=_eps(statics[3], "inside the root"))


# Initial values


@_notes(I.uniform)
def _uniform(statics: Statics) -> Note:
    return Note.of("initial", values=f"U({statics[2]:.4g}, {statics[3]:.4g})")


@_notes(I.normal)
def _normal(statics: Statics) -> Note:
    return Note.of("initial", values=f"N({statics[2]:.4g}, {statics[3]:.4g})")


@_notes(I.truncated_normal)
def _truncated(statics: Statics) -> Note:
    return Note.of("initial", values=f"N({statics[2]:.4g}, {statics[3]:.4g}) within two deviations")


@_notes(I.orthogonal)
def _orthogonal(statics: Statics) -> Note:
    return Note.of("initial", values=f"orthogonal, gain {statics[2]:.4g}")


@_notes(C.integer)
def _integers(statics: Statics) -> Note:
    return Note.of("initial", values=f"integers from {statics[2]} to {statics[3] - 1}")


@_notes(C.uniform)
def _unit(statics: Statics) -> Note:
    return Note.of("initial", values="U(0, 1)")


@_notes(C.normal)
def _standard(statics: Statics) -> Note:
    return Note.of("initial", values="N(0, 1)")
