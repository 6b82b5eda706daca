"""How good the workshop's work is, on data with known answers; one module per subject."""
