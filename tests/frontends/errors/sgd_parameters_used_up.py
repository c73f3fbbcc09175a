import irc.torch as torch

parameters = torch.nn.Linear(3, 4).parameters()
list(parameters)
optimizer = torch.optim.SGD(parameters, lr=0.01)
