"""Random bits have no gradient; what a program computes from them does."""

from irc.dialects import stablehlo as hlo
from irc.passes.autodiff.registry import nograd

nograd("random bits", hlo.RngBitGenerator)
