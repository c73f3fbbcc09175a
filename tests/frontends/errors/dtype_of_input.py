import irc.torch as torch

layer = torch.nn.Linear(3, 4)
y = layer(torch.tensor([[1, 2, 3]]))
