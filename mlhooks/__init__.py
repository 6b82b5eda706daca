"""The ML app: jobs, workers, embeddings and models. The wiki app works without it."""
