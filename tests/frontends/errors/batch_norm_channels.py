import irc.torch as torch

net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(4))
net(torch.zeros(2, 3, 8, 8))
