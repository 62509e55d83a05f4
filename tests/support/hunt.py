"""A hunt for identifiers in both stores, after the same search has found planted ones there."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from schemas.topics import Cleanup, Erasure, Plane, Topic
from sinks.clickhouse.client import open_native
from streams.embedded.services import Services
from streams.topic_admin import apply_topics, open_admin, plan_topics
from tests.support.scan import Hit, encodings, scan_clickhouse, scan_kafka
from tests.support.services import address_of


def hunt(services: Services, texts: Iterable[str]) -> set[Hit]:
    """Return where in Kafka and ClickHouse any of the texts is, in any form.

    Raises:
        AssertionError: the same texts, planted in a topic and a table, were not found: the search
            would see nothing.
    """
    needles = {text: encodings(text) for text in texts}
    with plant(services, sorted(needles)) as place:
        hits = scan_kafka(services.kafka_bootstrap_servers, needles)
        hits |= scan_clickhouse(address_of(services, "hmara_admin"), needles)
    control = {hit for hit in hits if place in hit.place}
    assert {Hit(text, f"topic {place}") for text in needles} <= control, "the scan sees Kafka"
    assert {Hit(text, f"table control.{place}") for text in needles} <= control, "and ClickHouse"
    return hits - control


@contextmanager
def plant(services: Services, texts: list[str]) -> Iterator[str]:
    """Plant the texts in a compressed topic and a table of one name, and yield that name."""
    place = f"scan_{secrets.token_hex(4)}"
    topic = Topic(
        name=place,
        key="none",
        partitions=1,
        cleanup=Cleanup.DELETE,
        retention_ms=3_600_000,
        segment_ms=3_600_000,
        max_record_bytes=1 << 20,
        plane=Plane.PERSONAL,
        erasure=Erasure.AGE,
    )
    with open_admin(services.kafka_bootstrap_servers) as admin:
        apply_topics(admin, plan_topics(admin, (topic,)), (topic,))
    servers = services.kafka_bootstrap_servers
    producer = Producer({"bootstrap.servers": servers, "compression.type": "lz4"})
    for text in texts:
        producer.produce(place, value=text.encode())
    assert producer.flush(30) == 0
    with open_native(address_of(services, "hmara_admin")) as client:
        columns = "(text String) ENGINE = MergeTree ORDER BY text"
        client.execute(f"CREATE TABLE control.{place} {columns}")
        client.execute(f"INSERT INTO control.{place} VALUES", [(text,) for text in texts])
    yield place
    with open_native(address_of(services, "hmara_admin")) as client:
        client.execute(f"DROP TABLE control.{place} SYNC")
    with open_admin(servers) as admin:
        admin.delete_topics([place])
