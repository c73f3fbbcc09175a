"""tf.version."""

VERSION = "2.19.0+irc"
GIT_VERSION = VERSION
COMPILER_VERSION = "irc"
