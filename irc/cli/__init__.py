"""The `irc` command."""
