"""Batching, as a pass on the IR: a function of one example becomes one of `size` examples at once.

A value that differs between examples has them along its first dimension; what is the same for all of them is computed
once. Most ops take one dimension more (`rules.py`); a loop goes on until no example needs it, and a branch that examples
choose differently is taken both ways (`control.py`). What has no rule runs in a loop over the examples."""

from irc.passes.batching.batcher import Batcher
from irc.passes.batching.functions import vmap

__all__ = ["Batcher", "vmap"]
