"""The same program for another batch: which extents follow from an argument's, and the module with them changed.

ties     what an op says about the lengths of its operands and results
growing  all dimensions that are as long as a given one, or a multiple of it
resize   the module in which they have another length

The same program for every size: `skeleton` takes the sizes out of a program, `general` puts two that differ in nothing else
together, with `formulas` for what differs."""

from irc.passes.extents.chosen import chosen_by_size
from irc.passes.extents.generalize import General, general
from irc.passes.extents.growing import Growing, growing
from irc.passes.extents.resize import resized
from irc.passes.extents.skeleton import Number, skeleton

__all__ = ["General", "Growing", "Number", "chosen_by_size", "general", "growing", "resized", "skeleton"]
