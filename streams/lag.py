"""How far a consumer group is behind the end of a topic."""

from __future__ import annotations

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from schemas.errors import HmaraError
from schemas.topics import Topic


class LagError(HmaraError):
    """A lag that can not be asked for; unknown is not zero."""


def read_lag(admin: KafkaAdminClient, group: str, topic: Topic) -> int:
    """Return the records of a topic that a group has not committed.

    A partition without a commit counts from its beginning.

    Raises:
        LagError: the topic does not exist.
    """
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
    if len(ends) != len(partitions):
        message = f"reading lag: {topic.name} does not exist"
        raise LagError(message)
    committed = admin.list_group_offsets({group: None}).get(group, {})
    lag = 0
    for partition in partitions:
        done = committed.get(partition)
        position = done.offset if done is not None and done.offset >= 0 else 0
        lag += ends[partition].offset - max(position, starts[partition].offset)
    return lag
