import irc.torch as torch

x = torch.fft_of_everything(torch.ones(3))
