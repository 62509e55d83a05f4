"""Dead letters, end to end: what can not be processed is kept for repair, the rest is stored."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Message, Producer

from schemas.catalogue import Catalogue
from schemas.framing import frame
from schemas.topics import DEAD_LETTER, WEB_EVENT
from streams.dead_letters import read_dead_letters
from streams.demo.children import Child, DemoError
from streams.embedded.services import Services
from streams.version import VERSION
from tests.integration.cli.calling import Hmara
from tests.integration.collector.records import read_committed, skip_to_end
from tests.support.events import SCHEMA, decode_plain, encode_plain, make_event, payload_of
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

HOUR_US = 3_600_000_000
PLANTED = "/planted-path-that-nothing-shows"
UNKNOWN_ID = 4_711
ENDED_WITHIN_S = 60.0

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that is no batch of events, and what is to be said of it."""

    raw: bytes
    reason: str
    schema_id: int


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was sent, by partition and offset, after a worker has dealt with it."""

    stack: Stack
    bad: dict[Place, Bad]
    mixed: Place
    """The place of a batch of good events, and of one for each reason in `BAD_EVENTS`."""


BAD_EVENTS: dict[tuple[str, str], Mapping[str, Any]] = {
    ("check_type", "unknown_type"): {"type": "mouse_move"},
    ("check_site", "no_site"): {"site": ""},
    ("check_time", "time_out_of_range"): {
        "received_at": make_event()["received_at"] + 13 * HOUR_US
    },
    ("check_numbers", "number_out_of_range"): {"site_hour": 24},
}


@pytest.fixture(scope="module")
def aftermath(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Send good and bad records and let a worker deal with them."""
    folder = tmp_path_factory.mktemp("dead letters")
    stack = Stack(services, folder, f"site-{secrets.token_hex(4)}", "http://127.0.0.1:8081")
    skip_to_end(stack)
    good = make_batch(stack.site, {}, {}, {})
    send(stack, good)
    bad = {send(stack, record.raw or None): record for record in make_bad_records(good)}
    mixed = send(stack, make_batch(stack.site, {}, *BAD_EVENTS.values(), {}))
    send(stack, make_batch(stack.site, {}))
    stack.start_worker()
    stack.wait_for_lag()
    stack.stop()
    return Aftermath(stack, bad, mixed)


def make_bad_records(good: bytes) -> list[Bad]:
    """Return every kind of record that is no batch of events; empty bytes stand for null."""
    other_topic = Catalogue.load().newest(DEAD_LETTER.name).schema_id
    return [
        Bad(b'{"path": "%b"}' % PLANTED.encode(), "no_frame", -1),
        Bad(b"\0\0", "no_frame", -1),
        Bad(b"\x01" + good[1:], "no_frame", -1),
        Bad(b"", "no_frame", -1),
        Bad(frame(UNKNOWN_ID, payload_of(good)), "unknown_schema", UNKNOWN_ID),
        Bad(frame(other_topic, payload_of(good)), "undecodable", other_topic),
        Bad(good[: len(good) // 2], "undecodable", SCHEMA.schema_id),
        Bad(frame(SCHEMA.schema_id, b""), "undecodable", SCHEMA.schema_id),
    ]


def test_good_events_are_stored(aftermath: Aftermath) -> None:
    """Good records, and the good events of a batch with bad ones, are rows."""
    assert aftermath.stack.count() == 3 + 2 + 1


def test_exactly_the_bad_ones_are_listed(aftermath: Aftermath, hmara: Hmara) -> None:
    """The list has each bad record and event, with place, step, reason and size, and no other."""
    places = {*aftermath.bad, aftermath.mixed}
    listed = [letter for letter in read_list(hmara) if place_of(letter) in places]
    assert {
        (place_of(letter), letter["step"], letter["reason"], letter["schema_id"])
        for letter in listed
    } == {(place, "decode", bad.reason, bad.schema_id) for place, bad in aftermath.bad.items()} | {
        (aftermath.mixed, *cause, SCHEMA.schema_id) for cause in BAD_EVENTS
    }
    sizes = {place_of(letter): letter["raw_bytes"] for letter in listed}
    del sizes[aftermath.mixed]
    assert sizes == {place: len(bad.raw) for place, bad in aftermath.bad.items()}
    assert {letter["code_version"] for letter in listed} == {VERSION}


def test_the_list_shows_no_content(aftermath: Aftermath, hmara: Hmara) -> None:
    """Neither the list nor the worker's log shows anything of what is in a dead letter."""
    command = ("dead-letters", "list", "--limit", "1000")
    printed = [hmara(*command, *options).out for options in ((), ("--json",))]
    log = (aftermath.stack.folder / "logs" / "worker-0.log").read_text("utf-8")
    assert "worker_started" in log
    for text in (*printed, log):
        assert PLANTED not in text
        assert "mouse_move" not in text
        assert aftermath.stack.site not in text.replace(aftermath.stack.group, "")


def test_a_dead_letter_holds_the_bytes_of_its_record(aftermath: Aftermath) -> None:
    """What was read is kept byte for byte; a bad event is kept as a batch of itself."""
    servers = aftermath.stack.services.kafka_bootstrap_servers
    letters = [
        ((letter.source_partition, letter.source_offset), letter)
        for letter in read_dead_letters(servers, Catalogue.load())
    ]
    kept = {place: letter.raw for place, letter in letters if place in aftermath.bad}
    assert kept == {place: bad.raw for place, bad in aftermath.bad.items()}
    for place, letter in letters:
        if place == aftermath.mixed:
            (event,) = decode_plain(payload_of(letter.raw))
            expected = BAD_EVENTS[letter.step, letter.reason]
            assert {name: event[name] for name in expected} == expected


def test_too_many_dead_letters_stop_the_worker(stack: Stack, hmara: Hmara) -> None:
    """Over the limit the worker ends with an error and says why; nothing is committed or lost."""
    skip_to_end(stack)
    before = read_committed(stack)
    places = {send(stack, b"poison", partition=0) for _ in range(8)}
    worker = stack.start_worker(wait=False, HMARA_WORKER_DEAD_LETTER_MIN_EVENTS="5")
    wait_until(lambda: has_failed(worker), "the worker ends with an error", ENDED_WITHIN_S)
    log = (stack.folder / "logs" / "worker-0.log").read_text("utf-8")
    assert "writing dead letters: 100% of the newest 8 events are dead, more than 50%" in log
    assert "poison" not in log
    assert read_committed(stack) == before
    assert not places & {place_of(letter) for letter in read_list(hmara)}

    stack.start_worker()
    stack.wait_for_lag()
    assert places <= {place_of(letter) for letter in read_list(hmara)}


def make_batch(site: str, *changes: Mapping[str, Any]) -> bytes:
    """Return a framed batch with an event per mapping of changed fields."""
    plain = {"site": site, "path": PLANTED}
    events = [
        make_event(**{**plain, "hit_key": secrets.randbits(63), **changed}) for changed in changes
    ]
    return frame(SCHEMA.schema_id, encode_plain(events))


def send(stack: Stack, value: bytes | None, partition: int = 1) -> Place:
    """Send a record; return its partition and offset."""
    sent: list[Message] = []
    producer = Producer({"bootstrap.servers": stack.services.kafka_bootstrap_servers})
    producer.produce(
        WEB_EVENT.name,
        value=value,
        partition=partition,
        on_delivery=lambda _, message: sent.append(message),
    )
    assert producer.flush(30) == 0
    return sent[0].partition(), sent[0].offset()


def has_failed(worker: Child) -> bool:
    """Tell whether a worker has ended, with an error."""
    try:
        worker.check()
    except DemoError as error:
        return "ended with exit code 1;" in str(error)
    return False


def read_list(hmara: Hmara) -> list[dict[str, Any]]:
    """Return the newest dead letters as the command lists them."""
    done = hmara("dead-letters", "list", "--limit", "1000", "--json")
    assert done.code == 0
    letters: list[dict[str, Any]] = json.loads(done.out)
    return letters


def place_of(letter: Mapping[str, Any]) -> Place:
    """Return where the record of a listed dead letter is."""
    assert letter["source_topic"] == WEB_EVENT.name
    return letter["source_partition"], letter["source_offset"]
