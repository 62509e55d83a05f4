"""Contracts: what an event, a topic, a policy and a place are, and how they are written down."""
