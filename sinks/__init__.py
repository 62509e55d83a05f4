"""Where batches of rows go: each sink takes a batch, is idempotent by row key, and raises by name."""
