"""How the outside is met: bounds, the proxies that are believed, the clients' rate, https."""

from __future__ import annotations

import time
from dataclasses import dataclass

from streams.collector.client import Network, find_address, parse_networks
from streams.collector.http import Request
from streams.collector.limits import Limits
from streams.collector.problems import Problem, Reason
from streams.collector.rate_limit import RateLimiter
from streams.settings import CollectorSettings


@dataclass(frozen=True, slots=True)
class Edge:
    """What holds for every request; without a limiter a client may ask as often as it likes."""

    limits: Limits
    limiter: RateLimiter | None = None
    trusted: tuple[Network, ...] = ()
    requires_https: bool = False
    hsts_max_age_s: int | None = None

    def find_client(self, request: Request) -> bytes:
        """Return the packed address of a request's client."""
        forwarded = request.find(b"x-forwarded-for") if self.trusted else ""
        return find_address(request.peer, forwarded, self.trusted)

    def limit(self, address: bytes) -> None:
        """Count a request of a client.

        Raises:
            Problem: it is one too many; says when there may be another.
        """
        if self.limiter is not None and (wait_s := self.limiter.take(address)):
            raise Problem(Reason.RATE_LIMITED, headers=((b"retry-after", b"%d" % wait_s),))


def make_edge(settings: CollectorSettings) -> Edge:
    """Read the settings.

    Raises:
        HmaraError: a trusted proxy that is no address and no network.
    """
    limits = Limits(
        max_body_bytes=settings.max_body_bytes,
        max_server_body_bytes=settings.max_server_body_bytes,
        body_timeout_s=settings.body_timeout_s,
        ack_timeout_s=settings.ack_timeout_s,
        requests_per_s=settings.requests_per_s,
        burst_requests=settings.burst_requests,
        max_connections=settings.max_connections,
        max_client_connections=settings.max_client_connections,
    )
    limiter = None
    if limits.requests_per_s:
        limiter = RateLimiter(limits.requests_per_s, limits.burst_requests, time.monotonic)
    is_https = settings.tls_certificate_file is not None or settings.require_https
    return Edge(
        limits,
        limiter,
        parse_networks(settings.trusted_proxies),
        settings.require_https,
        settings.hsts_max_age_s if is_https else None,
    )
