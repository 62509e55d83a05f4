"""Faust agents, one module per topic: take, run, ack."""
