"""The workshop: jobs, workers and models. The house works without it."""
