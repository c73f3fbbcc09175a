"""Two programs compared through their canonical forms."""
