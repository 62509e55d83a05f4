"""Plane A: cells of at least k visitors, counted out of staging.hit and published once."""
