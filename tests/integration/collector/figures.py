"""What a running collector counts."""

from __future__ import annotations

import httpx


def read_metrics(url: str) -> dict[str, float]:
    """Return the value of each series."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def read_accepted(url: str, site: str) -> int:
    """Return how many events of a site were acknowledged."""
    return int(read_metrics(url).get(name_accepted(site), 0))


def name_accepted(site: str) -> str:
    """Return the name of the series of a site's acknowledged events."""
    return f'hmara_collector_events_accepted_total{{site="{site}"}}'
