import irc.torch as torch
import irc.torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 64, 3, padding=1)

    def forward(self, x):
        return self.conv(x).view(-1, 64 * 5 * 5)


net = Net()
net(torch.zeros(32, 3, 32, 32))
