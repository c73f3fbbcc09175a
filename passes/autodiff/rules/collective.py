"""Gradients of exchanges between processes: there is one process, so no program is trained through them here."""

from irc.dialects.stablehlo import collective, transfer
from irc.passes.autodiff.registry import nograd, refuse

nograd("the number of a process", collective.ReplicaId, collective.PartitionId)
refuse(
    "programs are differentiated for one process",
    collective.AllGather,
    collective.AllReduce,
    collective.AllToAll,
    collective.CollectiveBroadcast,
    collective.CollectivePermute,
    collective.CollectiveReduce,
    collective.ReduceScatter,
)
refuse(
    "what is exchanged with the host or another process has no gradient here",
    transfer.AsyncDone,
    transfer.AsyncStart,
    transfer.Infeed,
    transfer.Outfeed,
    transfer.Recv,
    transfer.Send,
)
