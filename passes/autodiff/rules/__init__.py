"""The gradient table, one file for each family of ops in `irc.dialects`. Importing this package declares every rule."""
