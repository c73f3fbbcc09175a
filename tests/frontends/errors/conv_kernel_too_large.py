import irc.torch as torch

conv = torch.nn.Conv2d(3, 8, 5)
conv(torch.zeros(8, 3, 4, 4))
