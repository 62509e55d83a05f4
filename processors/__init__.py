"""Pure functions on columns: no clock, no randomness, no environment, no I/O."""
