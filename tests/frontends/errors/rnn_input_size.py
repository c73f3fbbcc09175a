import irc.torch as torch

rnn = torch.nn.RNN(10, 20)
rnn(torch.zeros(5, 3, 11))
