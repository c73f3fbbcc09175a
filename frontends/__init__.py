"""Frontends: Python programs to modules."""
