import irc.torch as torch

small, large = torch.nn.Linear(2, 3), torch.nn.Linear(2, 4)
small.load_state_dict(large.state_dict())
