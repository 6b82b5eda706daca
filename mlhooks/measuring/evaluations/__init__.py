"""Evaluations of the ML app on data with known answers; one module per subject."""
