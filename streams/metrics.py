"""Every metric of hmara, declared once with its help text; no label holds a value from an event."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

COLLECTOR_EVENTS_ACCEPTED: Final = Counter(
    "hmara_collector_events_accepted", "Events acknowledged to a client.", ["site"]
)
COLLECTOR_EVENTS_DROPPED: Final = Counter(
    "hmara_collector_events_dropped", "Events forgotten on purpose.", ["site", "reason"]
)
COLLECTOR_REDACTIONS: Final = Counter(
    "hmara_collector_redactions", "Texts taken out of events because they look personal.", ["kind"]
)
COLLECTOR_SIGNALS: Final = Counter(
    "hmara_collector_signals", "Requests that carry a wish not to be followed.", ["signal"]
)
COLLECTOR_REQUESTS: Final = Counter(
    "hmara_collector_requests", "Requests answered.", ["route", "status", "reason"]
)
COLLECTOR_HELD_BYTES: Final = Gauge(
    "hmara_collector_held_bytes", "Bytes of events that wait for Kafka's acknowledgement."
)
COLLECTOR_SALTS_DESTROYED: Final = Counter(
    "hmara_collector_salts_destroyed", "Salts whose day had ended and that were destroyed."
)
WORKER_RECORDS_READ: Final = Counter("hmara_worker_records_read", "Records read from Kafka.")
WORKER_EVENTS_READ: Final = Counter("hmara_worker_events_read", "Events decoded.")
WORKER_ROWS_STORED: Final = Counter(
    "hmara_worker_rows_stored", "Rows that a sink has taken.", ["sink"]
)
WORKER_DROPPED: Final = Counter(
    "hmara_worker_events_dropped", "Events forgotten on purpose.", ["step", "reason"]
)
WORKER_DEAD: Final = Counter(
    "hmara_worker_dead_letters", "Records or events sent to the dead letters.", ["step", "reason"]
)
WORKER_BACKPRESSURE: Final = Counter(
    "hmara_worker_backpressure", "Writes that a sink asked to repeat later.", ["sink"]
)
WORKER_STEP_SECONDS: Final = Histogram(
    "hmara_worker_step_seconds",
    "Time of one step on one chunk.",
    ["step"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
WORKER_CHUNK_EVENTS: Final = Histogram(
    "hmara_worker_chunk_events",
    "Events in one chunk.",
    buckets=(10, 100, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000),
)
