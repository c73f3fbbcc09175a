import irc.torch as torch

x = torch.zeros(3, device="cuda")
