"""The recorder: both frontends' tensors are values of a program that is being recorded."""
