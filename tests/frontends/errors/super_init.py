import irc.torch as torch


class Net(torch.nn.Module):
    def __init__(self):
        self.fc = torch.nn.Linear(1, 1)


net = Net()
