import irc.torch as torch

criterion = torch.nn.CrossEntropyLoss()
loss = criterion(torch.zeros(8, 10), torch.zeros(4, dtype=torch.int64))
