"""What a compiled program needs while it runs: object code in memory, one thread pool, and an entry point."""
