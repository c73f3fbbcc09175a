"""The torch-style frontend."""
