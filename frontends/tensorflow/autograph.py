"""tf.autograph."""

from types import SimpleNamespace

from irc.frontends.autograph import convert as to_graph
from irc.frontends.autograph import do_not_convert

experimental = SimpleNamespace(do_not_convert=do_not_convert, set_loop_options=lambda **options: None)

__all__ = ["do_not_convert", "experimental", "to_graph"]
