import irc.torch as torch
import irc.torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.fc1 = nn.Linear(8 * 5 * 5, 128)

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.fc1(x)


net = Net()
net(torch.zeros(4, 3, 32, 32))
