"""torch.optim."""

from irc.frontends.torch.optim import lr_scheduler
from irc.frontends.torch.optim.algorithms import SGD, Adadelta, Adagrad, Adam, AdamW, RMSprop
from irc.frontends.torch.optim.optimizer import Optimizer

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
