"""How far a consumer group is behind the end of a topic."""

from __future__ import annotations

from typing import Any, Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
)
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from schemas.errors import HmaraError
from schemas.topics import Topic

_NOT_YET: Final = (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    NotCoordinatorError,
)
_COORDINATOR_WITHIN_S: Final = 10.0
_COORDINATOR_POLL_S: Final = 0.2


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
    committed = read_committed(admin, group)
    lag = 0
    for partition in partitions:
        done = committed.get(partition)
        position = done.offset if done is not None and done.offset >= 0 else 0
        lag += ends[partition].offset - max(position, starts[partition].offset)
    return lag


@retry(
    retry=retry_if_exception_type(_NOT_YET),
    stop=stop_after_delay(_COORDINATOR_WITHIN_S),
    wait=wait_fixed(_COORDINATOR_POLL_S),
    reraise=True,
)
def read_committed(admin: KafkaAdminClient, group: str) -> dict[TopicPartition, Any]:
    """Return what a group has committed; a new broker first makes the topic that holds it."""
    committed: dict[TopicPartition, Any] = admin.list_group_offsets({group: None}).get(group, {})
    return committed
