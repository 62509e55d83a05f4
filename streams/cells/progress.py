"""Whether the worker has stored all that was accepted before a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import UnknownTopicOrPartitionError

from schemas.topics import Topic
from streams.lag import LagError, read_committed

_MS: Final = 1_000


def find_behind(
    admin: KafkaAdminClient, group: str, topic: Topic, until: datetime
) -> tuple[int, ...]:
    """Return the partitions of which a group has not committed every record older than `until`.

    A record's age is the broker's: the time it was appended. A partition with no record that is
    younger must be committed to its end; one without a commit counts from its beginning.

    Raises:
        LagError: the topic does not exist.
    """
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    try:
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    except UnknownTopicOrPartitionError:
        message = f"reading offsets: {topic.name} does not exist"
        raise LagError(message) from None
    starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    until_ms = int(until.timestamp() * _MS)
    younger = admin.list_partition_offsets(dict.fromkeys(partitions, until_ms))
    committed = read_committed(admin, group)
    behind = []
    for partition in partitions:
        first = younger[partition].offset if partition in younger else -1
        needed = first if first >= 0 else ends[partition].offset
        done = committed.get(partition)
        position = done.offset if done is not None and done.offset >= 0 else 0
        if max(position, starts[partition].offset) < needed:
            behind.append(partition.partition)
    return tuple(behind)
