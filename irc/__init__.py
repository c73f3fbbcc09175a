"""irc: a tensor compiler that a person can read. Public names are looked up when first used."""
