"""Finding notes by their words."""
