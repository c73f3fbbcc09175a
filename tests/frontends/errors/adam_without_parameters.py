import irc.torch as torch
import irc.torch.optim as optim

net = torch.nn.Linear(3, 4)
optimizer = optim.Adam()
