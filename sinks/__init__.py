"""Where batches of rows go; each sink is idempotent by row key."""
