"""Synthetic traffic: seeded visits, and a sender that posts them to a collector as a tag would."""
