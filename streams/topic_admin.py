"""Topics as declared against topics as they are: the difference, and making it go away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from schemas.errors import HmaraError
from schemas.topics import TOPICS, Topic

_TIMEOUT_MS: Final = 10_000
_APPLIED_WITHIN_S: Final = 10.0
_POLL_S: Final = 0.1
_BROKER_DEFAULT: Final = -1
PARTITIONS: Final = "partitions"


class TopicError(HmaraError):
    """Kafka can not be asked, or a change is dangerous and was refused."""


class ChangeKind(StrEnum):
    """What would be done to a topic."""

    CREATE = "create"
    SET = "set"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between a declaration and the cluster."""

    kind: ChangeKind
    topic: str
    setting: str
    now: str
    declared: str

    def __str__(self) -> str:
        if self.kind is ChangeKind.CREATE:
            return f"create {self.topic}: {self.declared}"
        return f"{self.kind.value} {self.topic}: {self.setting} {self.now} -> {self.declared}"


@contextmanager
def open_admin(bootstrap_servers: str) -> Iterator[KafkaAdminClient]:
    """Connect to Kafka for administration.

    Raises:
        TopicError: no broker answers.
    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap_servers.split(","),
            client_id="hmara-admin",
            request_timeout_ms=_TIMEOUT_MS,
            bootstrap_timeout_ms=_TIMEOUT_MS,
        )
    except (KafkaError, OSError) as error:
        message = f"reaching Kafka at {bootstrap_servers}: no answer ({type(error).__name__})"
        raise TopicError(message) from None
    try:
        yield admin
    except KafkaError as error:
        message = f"asking Kafka at {bootstrap_servers}: {error}"
        raise TopicError(message) from None
    finally:
        admin.close()


def plan_topics(admin: KafkaAdminClient, topics: tuple[Topic, ...] = TOPICS) -> tuple[Change, ...]:
    """Compare the declarations with the cluster; changes nothing."""
    existing = set(admin.list_topics())
    changes: list[Change] = []
    for topic in topics:
        if topic.name in existing:
            changes.extend(_compare(admin, topic))
        else:
            shape = f"{topic.partitions} partitions, {topic.settings()}"
            changes.append(Change(ChangeKind.CREATE, topic.name, "", "", shape))
    return tuple(changes)


def apply_topics(
    admin: KafkaAdminClient,
    changes: tuple[Change, ...],
    topics: tuple[Topic, ...] = TOPICS,
    *,
    accept_loss: bool = False,
) -> None:
    """Make the planned changes; none of them if one is dangerous.

    Args:
        admin: from `open_admin`.
        changes: from `plan_topics`.
        topics: the declarations that were planned with.
        accept_loss: make dangerous changes too, but never one of the number of partitions.

    Raises:
        TopicError: a change would lose or misplace records, and nothing was changed; or the
            brokers do not show the changes in time.
    """
    refused = [
        str(change)
        for change in changes
        if change.kind is ChangeKind.REFUSE and not (accept_loss and change.setting != PARTITIONS)
    ]
    if refused:
        message = f"applying topics: {'; '.join(refused)}: this would lose or misplace records"
        raise TopicError(message)
    declared = {topic.name: topic for topic in topics}
    for change in changes:
        topic = declared[change.topic]
        if change.kind is ChangeKind.CREATE:
            _create(admin, topic)
        else:
            _set(admin, change)
    if changes:
        _await_applied(admin, tuple(declared[change.topic] for change in changes))


def _await_applied(admin: KafkaAdminClient, topics: tuple[Topic, ...]) -> None:
    """Wait until the brokers say what the controller has decided, which they do a moment later."""
    deadline = time.monotonic() + _APPLIED_WITHIN_S
    while left := plan_topics(admin, topics):
        if time.monotonic() > deadline:
            message = f"applying topics: not done after {_APPLIED_WITHIN_S:g} s: {left[0]}"
            raise TopicError(message)
        time.sleep(_POLL_S)


def _create(admin: KafkaAdminClient, topic: Topic) -> None:
    new = NewTopic(topic.name, topic.partitions, _BROKER_DEFAULT, topic_configs=topic.settings())
    try:
        admin.create_topics([new])
    except TopicAlreadyExistsError:
        return  # another process was faster, with the same declaration


def _set(admin: KafkaAdminClient, change: Change) -> None:
    resource = ConfigResource(
        ConfigResourceType.TOPIC, change.topic, configs={change.setting: change.declared}
    )
    admin.alter_configs([resource])


def _compare(admin: KafkaAdminClient, topic: Topic) -> Iterator[Change]:
    partitions = len(admin.describe_topics([topic.name])[0]["partitions"])
    if partitions != topic.partitions:
        yield Change(
            ChangeKind.REFUSE, topic.name, PARTITIONS, str(partitions), str(topic.partitions)
        )
    settings = _read_settings(admin, topic.name)
    for name, declared in topic.settings().items():
        now = settings.get(name, "")
        if now != declared:
            kind = ChangeKind.REFUSE if _is_dangerous(name, now, declared) else ChangeKind.SET
            yield Change(kind, topic.name, name, now, declared)


def _is_dangerous(setting: str, now: str, declared: str) -> bool:
    """Another clean-up loses what is kept by key or by age; less room or time loses the oldest."""
    if setting == "cleanup.policy":
        return True
    if setting in {"retention.ms", "max.message.bytes"}:
        return int(declared) < int(now or 0) or int(now or 0) < 0
    return False


def _read_settings(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    found = admin.describe_configs([resource], config_filter="all")["topic"][name]
    return {setting: entry["value"] for setting, entry in found.items()}
