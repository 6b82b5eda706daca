"""What is measured: benchmarks of speed, evaluations of quality; loaded by their commands only."""
