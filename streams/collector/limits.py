"""Every bound on what a client may send, and how fast: one place, told in the OpenAPI document."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from streams.collector.payload import MAX_AGE_MS, MAX_EVENTS, MAX_URL_CHARS

MAX_HEAD_BYTES: Final = 32_768
QUIET_S: Final = 10.0
"""A connection that has brought no request for so long (at most twice that) is closed."""
HANDSHAKE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that settings may move; a rate of 0 is none."""

    max_body_bytes: int = 65_536
    max_server_body_bytes: int = 262_144
    body_timeout_s: float = 10.0
    ack_timeout_s: float = 5.0
    requests_per_s: float = 50.0
    burst_requests: int = 200
    max_connections: int = 2_000
    max_client_connections: int = 250

    def describe(self) -> dict[str, float]:
        """Return every bound by its name, the unit in the name."""
        return {
            **asdict(self),
            "max_head_bytes": MAX_HEAD_BYTES,
            "quiet_connection_s": QUIET_S,
            "tls_handshake_s": HANDSHAKE_S,
            "max_events": MAX_EVENTS,
            "max_age_ms": MAX_AGE_MS,
            "max_url_chars": MAX_URL_CHARS,
        }
