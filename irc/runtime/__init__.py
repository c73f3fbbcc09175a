"""What executables need while they run: loading, threads, buffers."""
