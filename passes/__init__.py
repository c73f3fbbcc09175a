"""Passes: Module to Module."""
