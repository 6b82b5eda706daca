"""Benchmarks of the wiki app (`manage.py bench`); one module per subject."""
