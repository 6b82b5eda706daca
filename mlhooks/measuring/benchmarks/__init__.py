"""What the workshop's work costs, measured with its real processes; one module per subject."""
