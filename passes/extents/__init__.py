"""The same program for another batch: which extents follow from an argument's, and the module with them changed.

ties     what an op says about the lengths of its operands and results
growing  all dimensions that are as long as a given one, or a multiple of it
resize   the module in which they have another length"""

from irc.passes.extents.growing import Growing, growing
from irc.passes.extents.resize import resized

__all__ = ["Growing", "growing", "resized"]
