import irc
import irc.torch as torch


@irc.compile
def f(x):
    y = x.sum() * 2
    if y > 0:
        return x
    return -x


f(torch.ones(3))
