"""Data-dependent `if`, `while` and `for` in traced functions, by rewriting the function's source (as TensorFlow's AutoGraph).

`convert(f)` gives a function that means the same for Python values, and records a branch or loop where a tensor decides whose
value is not there yet. What cannot become part of the program is refused at its line."""

from irc.frontends.autograph.convert import convert, do_not_convert

__all__ = ["convert", "do_not_convert"]
