"""The tests of hmara."""
