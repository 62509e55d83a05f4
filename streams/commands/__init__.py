"""The commands of `hmara`, one module per group; each registers itself with `register(app)`."""
