"""`hmara topics`: what is declared is what the broker has, and no change loses records unasked."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import TOPICS, Cleanup, Erasure, Plane, Topic
from streams.commands import schema
from streams.topic_admin import Change, apply_topics, open_admin, plan_topics
from tests.integration.cli.calling import Hmara
from tests.support.services import Stack

pytestmark = pytest.mark.integration

HOUR_MS = 3_600_000
Declare = Callable[[Topic], None]


@pytest.fixture
def admin(stack: Stack) -> Iterator[KafkaAdminClient]:
    """Return a connection for administration."""
    with open_admin(stack.services.kafka_bootstrap_servers) as connected:
        yield connected


@pytest.fixture
def topic(admin: KafkaAdminClient) -> Iterator[Topic]:
    """Return the declaration of a topic of this test's own, which is not there yet."""
    name = f"test.t{secrets.token_hex(4)}.v1"
    shape = (Cleanup.DELETE, 24 * HOUR_MS, HOUR_MS, 1 << 20, Plane.STAGING, Erasure.AGE)
    yield Topic(name, "none", 2, *shape)
    if name in admin.list_topics():
        admin.delete_topics([name])


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Return a function that makes a topic the only one that the command line has declared."""

    def set_topic(topic: Topic) -> None:
        def apply(
            admin: KafkaAdminClient, changes: tuple[Change, ...], *, accept_loss: bool
        ) -> None:
            apply_topics(admin, changes, (topic,), accept_loss=accept_loss)

        monkeypatch.setattr(schema, "plan_topics", partial(plan_topics, topics=(topic,)))
        monkeypatch.setattr(schema, "apply_topics", apply)

    return set_topic


def test_the_declared_topics_are_there(hmara: Hmara) -> None:
    """After the set-up `topics check` finds nothing, and `topics apply` does nothing."""
    for command in ("check", "apply"):
        done = hmara("topics", command)
        assert (done.code, done.out) == (0, f"{len(TOPICS)} topics are as declared\n")
        assert json.loads(hmara("topics", command, "--json").out) == []


def test_a_dry_run_creates_nothing(
    hmara: Hmara, admin: KafkaAdminClient, topic: Topic, declare: Declare
) -> None:
    """`--dry-run` says what would be created, and the broker has no such topic afterwards."""
    declare(topic)
    done = hmara("topics", "apply", "--dry-run")
    assert done.code == 0
    assert done.out.startswith(f"create {topic.name}: 2 partitions")
    assert topic.name not in admin.list_topics()
    assert hmara("topics", "check").code == 2


def test_a_topic_is_created_once(
    hmara: Hmara, admin: KafkaAdminClient, topic: Topic, declare: Declare
) -> None:
    """The first apply creates the topic with its settings; the second finds nothing to do."""
    declare(topic)
    assert [change["kind"] for change in json.loads(hmara("topics", "apply", "--json").out)] == [
        "create"
    ]
    assert json.loads(hmara("topics", "apply", "--json").out) == []
    assert read_shape(admin, topic) == (2, topic.settings())


def test_a_changed_setting_is_shown_and_set(
    hmara: Hmara, admin: KafkaAdminClient, topic: Topic, declare: Declare
) -> None:
    """`check` shows each changed setting and exits with 2; `apply` sets them, and them alone."""
    declare(topic)
    hmara("topics", "apply")
    declare(changed := replace(topic, retention_ms=48 * HOUR_MS, segment_ms=2 * HOUR_MS))
    checked = hmara("topics", "check")
    assert (checked.code, checked.out.splitlines()) == (
        2,
        [
            f"set {topic.name}: retention.ms 86400000 -> 172800000",
            f"set {topic.name}: segment.ms 3600000 -> 7200000",
        ],
    )
    assert read_shape(admin, topic) == (2, topic.settings())
    assert hmara("topics", "apply").code == 0
    assert hmara("topics", "check").code == 0
    assert read_shape(admin, topic) == (2, changed.settings())


def test_another_number_of_partitions_is_refused(
    hmara: Hmara, admin: KafkaAdminClient, topic: Topic, declare: Declare
) -> None:
    """More or fewer partitions: refused by name with exit code 1, and nothing else is changed."""
    declare(topic)
    hmara("topics", "apply")
    for number in (1, 4):
        declare(replace(topic, partitions=number, segment_ms=2 * HOUR_MS))
        for options in ((), ("--accept-loss",)):
            done = hmara("topics", "apply", *options)
            assert (done.code, done.out) == (1, "")
            assert f"refuse {topic.name}: partitions 2 -> {number}" in done.err
            assert done.err.count("\n") == 1
    assert read_shape(admin, topic) == (2, topic.settings())


@pytest.mark.parametrize(
    "lose",
    [
        partial(replace, retention_ms=HOUR_MS),
        partial(replace, max_record_bytes=1 << 16),
        partial(replace, cleanup=Cleanup.COMPACT),
    ],
)
def test_a_loss_must_be_accepted(
    hmara: Hmara,
    admin: KafkaAdminClient,
    topic: Topic,
    declare: Declare,
    lose: Callable[[Topic], Topic],
) -> None:
    """What would lose records is refused, and done with `--accept-loss`."""
    declare(topic)
    hmara("topics", "apply")
    declare(changed := lose(topic))
    refused = hmara("topics", "apply")
    assert (refused.code, refused.out) == (1, "")
    assert f"refuse {topic.name}: " in refused.err
    assert read_shape(admin, topic) == (2, topic.settings())
    assert hmara("topics", "apply", "--accept-loss").code == 0
    assert read_shape(admin, topic) == (2, changed.settings())


def read_shape(admin: KafkaAdminClient, topic: Topic) -> tuple[int, dict[str, str]]:
    """Return the number of partitions, and the values of the declared settings."""
    partitions = admin.describe_topics([topic.name])[0]["partitions"]
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    found = admin.describe_configs([resource], config_filter="all")["topic"][topic.name]
    settings = {name: entry["value"] for name, entry in found.items()}
    return len(partitions), {name: settings[name] for name in topic.settings()}
