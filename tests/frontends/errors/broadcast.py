import irc.torch as torch

a = torch.ones(3, 4)
b = torch.ones(5)
c = a * 2 + b
