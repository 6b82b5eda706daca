"""Benchmarks of the ML app, measured with its real processes; one module per subject."""
