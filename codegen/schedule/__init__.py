"""Schedules: how large tiles are, what is packed and how work is cut. Chosen by shape, never by the machine's load."""
