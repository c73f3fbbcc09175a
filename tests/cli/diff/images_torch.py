"""A small image classifier as one writes it in PyTorch."""

import torch
import torch.nn as nn

torch.manual_seed(0)
images, labels = torch.randn(8, 3, 8, 8), torch.randint(0, 10, (8,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.act = nn.LeakyReLU()
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = self.drop(self.act(self.norm(self.conv(x))))
        return self.head(x.flatten(1))


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters())

for _ in range(3):
    optimizer.zero_grad()
    loss = criterion(net(images), labels)
    loss.backward()
    optimizer.step()
