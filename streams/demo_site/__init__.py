"""A small made-up shop that carries the tag, and a browser that visits it like a person."""
