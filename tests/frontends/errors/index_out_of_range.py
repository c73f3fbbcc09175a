import irc.torch as torch

x = torch.zeros(3, 4)
y = x[1, 4]
