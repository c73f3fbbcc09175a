"""The names of `irc.passes.expression`, where gradients look for them."""

from irc.passes.expression import *  # noqa: F403
