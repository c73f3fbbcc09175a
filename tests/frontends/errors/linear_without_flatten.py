import irc.torch as torch
import irc.torch.nn as nn

net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Linear(2 * 8 * 8, 10))
net(torch.zeros(4, 1, 8, 8))
