import irc.torch as torch

x = torch.ones(32, 2048)
w = torch.ones(768, 320)
y = x @ w
