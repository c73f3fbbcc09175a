import irc.torch as torch
import irc.torch.nn as nn
import irc.torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(64 * 5 * 5, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = x.view(-1, 64 * 5 * 5)
        return self.fc2(F.relu(self.fc1(x)))


net = Net()
net(torch.zeros(25, 3, 32, 32))
