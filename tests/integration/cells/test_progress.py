"""How far the worker is: by the broker's own times, partition by partition."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from schemas.topics import WEB_EVENT, Topic
from streams.cells.progress import find_behind
from streams.embedded.services import Services
from streams.lag import LagError
from streams.topic_admin import open_admin

pytestmark = pytest.mark.integration

LATER = timedelta(hours=1)


@pytest.fixture
def admin(services: Services) -> Iterator[KafkaAdminClient]:
    """Return a connection for administration."""
    with open_admin(services.kafka_bootstrap_servers) as client:
        yield client


@pytest.fixture
def topic(admin: KafkaAdminClient) -> Topic:
    """Return a topic of this test's own, with two partitions, stamped by the broker."""
    made = replace(WEB_EVENT, name=f"test.{secrets.token_hex(4)}.v1", partitions=2)
    settings = {"message.timestamp.type": "LogAppendTime"}
    admin.create_topics(
        {made.name: {"num_partitions": 2, "replication_factor": 1, "configs": settings}}
    )
    return made


@pytest.fixture
def put(services: Services, topic: Topic) -> Iterator[Callable[[int], datetime]]:
    """Return what appends a record to a partition and says when the broker took it."""
    producer = KafkaProducer(bootstrap_servers=services.kafka_bootstrap_servers)

    def append(partition: int) -> datetime:
        taken = producer.send(topic.name, b"x", partition=partition).get(timeout=30)
        return datetime.fromtimestamp(taken.timestamp / 1_000, UTC)

    yield append
    producer.close()


@pytest.fixture
def commit(services: Services, topic: Topic) -> Iterator[Callable[[int, int], str]]:
    """Return what commits an offset of a partition, and names the group."""
    group = f"test-{secrets.token_hex(4)}"
    consumer = KafkaConsumer(
        bootstrap_servers=services.kafka_bootstrap_servers, group_id=group, enable_auto_commit=False
    )

    def put_offset(partition: int, offset: int) -> str:
        where = TopicPartition(topic.name, partition)
        consumer.assign([where])
        consumer.commit({where: OffsetAndMetadata(offset, "", -1)})
        return group

    yield put_offset
    consumer.close()


def test_a_topic_without_records_holds_nobody_up(admin: KafkaAdminClient, topic: Topic) -> None:
    """Nothing was accepted, so nothing is missing, whatever the group has committed."""
    assert find_behind(admin, "test-nobody", topic, datetime.now(UTC)) == ()


def test_older_records_must_be_committed(
    admin: KafkaAdminClient,
    topic: Topic,
    put: Callable[[int], datetime],
    commit: Callable[[int, int], str],
) -> None:
    """A partition is behind until every record older than the moment is committed."""
    for partition in (0, 1, 1):
        last = put(partition)
    group = commit(0, 1)
    assert find_behind(admin, group, topic, last + LATER) == (1,)
    commit(1, 1)
    assert find_behind(admin, group, topic, last + LATER) == (1,)
    commit(1, 2)
    assert find_behind(admin, group, topic, last + LATER) == ()


def test_younger_records_do_not_matter(
    admin: KafkaAdminClient, topic: Topic, put: Callable[[int], datetime]
) -> None:
    """Records that the broker took at or after the moment need not be stored."""
    first = put(0)
    put(0)
    assert find_behind(admin, "test-nobody", topic, first) == ()
    assert find_behind(admin, "test-nobody", topic, first + LATER) == (0,)


def test_an_unknown_topic_is_no_zero(admin: KafkaAdminClient, topic: Topic) -> None:
    """A topic that is not there is an error: unknown is not nothing."""
    missing = replace(topic, name=f"{topic.name}.missing")
    with pytest.raises(LagError, match="does not exist"):
        find_behind(admin, "test-nobody", missing, datetime.now(UTC))
