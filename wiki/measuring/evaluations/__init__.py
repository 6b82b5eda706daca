"""How good something is, measured on data with known answers; one module per subject."""
