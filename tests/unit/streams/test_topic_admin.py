"""Topics as declared against topics as they are: safe changes are made, dangerous ones refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, NewTopic
from kafka.errors import TopicAlreadyExistsError

from schemas.topics import TOPICS, WEB_EVENT, Cleanup, Topic
from streams.lag import LagError, read_lag
from streams.topic_admin import ChangeKind, TopicError, apply_topics, plan_topics


class Cluster:
    """A cluster in memory, asked like kafka-python's admin client."""

    def __init__(self) -> None:
        self.topics: dict[str, tuple[int, dict[str, str]]] = {}
        self.changed: list[str] = []
        self.is_raced = False

    def list_topics(self) -> list[str]:
        """Return the topics' names."""
        return list(self.topics)

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        """Return the partitions of topics."""
        return [{"partitions": [None] * self.topics[name][0]} for name in names]

    def describe_configs(
        self, resources: list[ConfigResource], config_filter: str
    ) -> dict[str, Any]:
        """Return the settings of one topic."""
        (resource,) = resources
        assert config_filter == "all"
        settings = self.topics[resource.name][1]
        return {
            "topic": {resource.name: {key: {"value": value} for key, value in settings.items()}}
        }

    def create_topics(self, topics: list[NewTopic]) -> None:
        """Make topics; or find that another process was faster."""
        for topic in topics:
            self.topics[topic.name] = (topic.num_partitions, dict(topic.topic_configs))
            if self.is_raced:
                raise TopicAlreadyExistsError
            self.changed.append(f"create {topic.name}")

    def alter_configs(self, resources: list[ConfigResource]) -> None:
        """Change settings of topics."""
        for resource in resources:
            self.topics[resource.name][1].update(resource.configs)
            self.changed.append(f"set {resource.name} {sorted(resource.configs)}")


@pytest.fixture
def cluster() -> Cluster:
    """Return a cluster without topics."""
    return Cluster()


def declare(**changes: Any) -> tuple[Topic, ...]:  # noqa: ANN401 - fields of a topic
    """Return the topic of events, declared otherwise."""
    return (replace(WEB_EVENT, **changes),)


def test_a_new_cluster_gets_every_topic(cluster: Cluster) -> None:
    """Missing topics are made as declared; a second plan finds nothing to do."""
    changes = plan_topics(cluster)
    assert [change.kind for change in changes] == [ChangeKind.CREATE] * len(TOPICS)
    assert not cluster.changed
    apply_topics(cluster, changes)
    assert cluster.topics[WEB_EVENT.name] == (WEB_EVENT.partitions, WEB_EVENT.settings())
    assert plan_topics(cluster) == ()


def test_a_topic_made_by_another_process_meanwhile_is_no_fault(cluster: Cluster) -> None:
    """Two processes that start together may both create the topics."""
    cluster.is_raced = True
    apply_topics(cluster, plan_topics(cluster))


SAFE: Final = [
    {"retention_ms": WEB_EVENT.retention_ms + 1},
    {"segment_ms": 60_000},
    {"max_record_bytes": WEB_EVENT.max_record_bytes + 1},
]
LOSING: Final = [
    {"retention_ms": WEB_EVENT.retention_ms - 1},
    {"max_record_bytes": WEB_EVENT.max_record_bytes - 1},
    {"cleanup": Cleanup.COMPACT},
]


@pytest.mark.parametrize("change", SAFE, ids=str)
def test_a_safe_change_is_made(cluster: Cluster, change: dict[str, Any]) -> None:
    """More room or time, or another segment length, is set without asking."""
    apply_topics(cluster, plan_topics(cluster))
    declared = declare(**change)
    (planned,) = plan_topics(cluster, declared)
    assert planned.kind is ChangeKind.SET
    apply_topics(cluster, (planned,), declared)
    assert plan_topics(cluster, declared) == ()


@pytest.mark.parametrize("change", LOSING, ids=str)
def test_a_losing_change_is_refused_unless_accepted(
    cluster: Cluster, change: dict[str, Any]
) -> None:
    """Less room or time, or another clean-up, needs the operator's word; else nothing is done."""
    apply_topics(cluster, plan_topics(cluster))
    before = list(cluster.changed)
    declared = declare(**change)
    planned = plan_topics(cluster, declared)
    with pytest.raises(TopicError, match="lose"):
        apply_topics(cluster, planned, declared)
    assert cluster.changed == before
    apply_topics(cluster, planned, declared, accept_loss=True)
    assert plan_topics(cluster, declared) == ()


@pytest.mark.parametrize("partitions", [1, 8])
def test_a_partition_count_never_changes(cluster: Cluster, partitions: int) -> None:
    """Another number of partitions is refused whatever was accepted: retries must meet."""
    apply_topics(cluster, plan_topics(cluster))
    declared = declare(partitions=partitions)
    planned = plan_topics(cluster, declared)
    for accept_loss in (False, True):
        with pytest.raises(TopicError, match="partitions 4 ->"):
            apply_topics(cluster, planned, declared, accept_loss=accept_loss)


def test_nothing_is_done_if_one_change_is_refused(cluster: Cluster) -> None:
    """A safe change beside a refused one is not made either."""
    apply_topics(cluster, plan_topics(cluster))
    declared = declare(partitions=8, segment_ms=1)
    with pytest.raises(TopicError):
        apply_topics(cluster, plan_topics(cluster, declared), declared)
    assert cluster.topics[WEB_EVENT.name][1]["segment.ms"] == str(WEB_EVENT.segment_ms)


class Offsets:
    """Offsets of a topic and a group in memory, asked like kafka-python's admin client."""

    def __init__(self, starts: dict[int, int], ends: dict[int, int], done: dict[int, int]) -> None:
        self.answers = [ends, starts]
        self.done = done

    def list_partition_offsets(self, wanted: dict[Any, Any]) -> dict[Any, Any]:
        """Return the ends when asked first, then the starts."""
        answer = self.answers.pop(0)
        return {
            partition: SimpleNamespace(offset=answer[partition.partition])
            for partition in wanted
            if partition.partition in answer
        }

    def list_group_offsets(self, groups: dict[str, None]) -> dict[str, dict[Any, Any]]:
        """Return what the group has committed; -1 stands for nothing."""
        (group,) = groups
        return {
            group: {
                TopicPartition(WEB_EVENT.name, number): SimpleNamespace(offset=offset)
                for number, offset in self.done.items()
            }
        }


def test_lag_counts_what_is_there_and_not_committed() -> None:
    """Never committed counts from the oldest record; aged-out records are no lag."""
    starts = {0: 0, 1: 50, 2: 50, 3: 7}
    ends = {0: 10, 1: 60, 2: 60, 3: 7}
    assert read_lag(Offsets(starts, ends, {0: 4, 1: -1, 2: 20}), "g", WEB_EVENT) == 6 + 10 + 10


def test_an_unknown_lag_is_not_zero() -> None:
    """A topic that is not there has no lag to tell."""
    with pytest.raises(LagError, match="does not exist"):
        read_lag(Offsets({}, {}, {}), "g", WEB_EVENT)
