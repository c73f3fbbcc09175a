import irc.torch as torch

table = torch.nn.Embedding(10, 3)
rows = table(torch.tensor([1, 12]))
