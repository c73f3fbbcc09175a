import irc.torch as torch

criterion = torch.nn.BCELoss()
loss = criterion(torch.ones(16, 1), torch.ones(16))
