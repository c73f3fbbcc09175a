import irc.torch as torch

y = torch.cat([torch.ones(2, 3), torch.ones(2, 4)])
