"""The running parts: collector, worker, commands; the only package that wires things together."""
