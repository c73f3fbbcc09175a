"""Types, attributes, values, what an op is, and the text they are written in."""
