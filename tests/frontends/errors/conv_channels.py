import irc.torch as torch
import irc.torch.nn as nn

net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(16, 8, 3))
net(torch.zeros(8, 3, 8, 8))
