"""torch.nn."""

from irc.frontends.torch.nn import functional, init
from irc.frontends.torch.nn.containers import (
    ModuleDict,
    ModuleList,
    ParameterDict,
    ParameterList,
    Sequential,
)
from irc.frontends.torch.nn.convolution import *  # noqa: F403
from irc.frontends.torch.nn.layers import *  # noqa: F403
from irc.frontends.torch.nn.losses import *  # noqa: F403
from irc.frontends.torch.nn.module import Module
from irc.frontends.torch.nn.normalization import *  # noqa: F403
from irc.frontends.torch.nn.parameter import Buffer, Parameter, UninitializedParameter
