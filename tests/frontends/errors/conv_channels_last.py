import irc.torch as torch

conv = torch.nn.Conv2d(3, 8, 3)
conv(torch.zeros(8, 32, 32, 3))
